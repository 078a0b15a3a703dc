"""What goes back over the wire, and how it goes."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pushserver.sandbox.gate import Gate

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body, and the headers beside ``Content-Type`` and ``Content-Length``."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    def wire(self, *, keep_alive: bool, with_body: bool = True) -> bytes:
        """The whole answer in one piece; an answer to HEAD goes ``with_body=False``."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        if not keep_alive:
            extra += "Connection: close\r\n"
        head = (
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n{extra}\r\n"
        )
        return head.encode("latin-1") + (self.body if with_body else b"")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and its manner.

    Attributes:
        answer: ``None`` closes the connection without a word.
        delay: seconds before the first byte.
        drip: seconds between two bytes; 0 sends all at once.
        gate: nothing is sent before it opens.
    """

    answer: Answer | None
    delay: float = 0.0
    drip: float = 0.0
    gate: Gate | None = field(default=None, compare=False)


def json_answer(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """``value`` as compact JSON with real UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate is legal in JSON's escapes and has no UTF-8: it goes back as it may have come, escaped.
    return Answer(status, text.encode("utf-8", "backslashreplace"), JSON, headers)


def raw_answer(
    body: str | bytes | dict[str, Any], status: int = 200, content_type: str | None = None
) -> Answer:
    """Any answer at all: an object goes as JSON, text and bytes as HTML unless a content type is given."""
    if isinstance(body, dict):
        return Answer(status, json_answer(body).body, content_type or JSON)
    return Answer(status, body.encode() if isinstance(body, str) else body, content_type or HTML)
