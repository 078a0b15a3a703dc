"""A plain HTTP client for the sandbox's tests, and a clock that stands still until told otherwise."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class StandingClock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Answered:
    status: int
    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def call(
    method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 5.0
) -> Answered:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        data = (
            body if isinstance(body, (bytes, type(None))) else json.dumps(body, ensure_ascii=False).encode()
        )
        connection.request(method, target, data, dict(JSON_HEADERS if headers is None else headers))
        answer = connection.getresponse()
        return Answered(answer.status, answer.read(), dict(answer.getheaders()))
    finally:
        connection.close()


def post(url: str, body: Any, headers: Mapping[str, str] | None = None, timeout: float = 5.0) -> Answered:
    return call("POST", url, body, headers, timeout)
