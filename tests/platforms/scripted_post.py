"""A stand-in for the HTTP transport: answers from a list, and a record of what was sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pushserver.platforms.errors import PlatformError
from pushserver.platforms.http import Answer


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer; anything but bytes and text is sent as JSON."""
    if isinstance(body, str):
        body = body.encode()
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Answer(status, headers or {}, raw)


@dataclass
class ScriptedPost:
    """Gives its answers in turn and repeats the last one."""

    answers: list[Answer | PlatformError]
    bodies: list[bytes] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    closed: bool = False

    def send(self, body: bytes, query: str = "") -> Answer:
        self.bodies.append(body)
        self.queries.append(query)
        outcome = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(outcome, PlatformError):
            raise outcome
        return outcome

    def close(self) -> None:
        self.closed = True

    @property
    def payloads(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]
