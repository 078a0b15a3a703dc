"""A plain sink for system notices over HTTP: takes any JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from pushserver.sandbox.answer import Answer, json_answer
from pushserver.sandbox.journal import Code
from pushserver.sandbox.request import Head, Request
from pushserver.sandbox.vendor import Call, Check, Documented, Refusal

_PATH = "/notify/"
_SUCCESS = json_answer({"status": "ok"})

DOCUMENTED: Mapping[Code, Documented] = {
    status.value: Documented(status.phrase, status.value)
    for status in HTTPStatus
    if status >= HTTPStatus.BAD_REQUEST
}


def _method(call: Call) -> Refusal | None:
    return None if call.request.head.method == "POST" else Refusal(405)


def _enabled(call: Call) -> Refusal | None:
    return Refusal(410) if call.settings.stopped else None


def _json(call: Call) -> Refusal | None:
    return None if call.payload is not None else Refusal(400)


class Notice:
    """The rules of the sink; its codes are HTTP statuses."""

    name = "notice"
    checks: Mapping[str, Check] = {"method": _method, "enabled": _enabled, "json": _json}
    documented = DOCUMENTED
    unknown = 404

    def path(self, token: str) -> str:
        """``/notify/{name}``."""
        return _PATH + quote(token, safe="")

    def token(self, head: Head) -> str | None:
        """The last part of the path, decoded."""
        return unquote(head.path.removeprefix(_PATH)) if head.path.startswith(_PATH) else None

    def stray(self, head: Head, unknown: Refusal) -> Refusal:  # noqa: ARG002 - nothing to distinguish
        """A notice without a name."""
        return unknown

    def shown(self, call: Call) -> Any:
        """The body as it came."""
        return call.payload

    def accept(self) -> Answer:
        """200."""
        return _SUCCESS

    def refuse(self, refusal: Refusal, text: str, request: Request, now: float) -> Answer:  # noqa: ARG002 - Vendor's
        """The status says it all."""
        status = refusal.code if isinstance(refusal.code, int) else 500
        return json_answer({"error": text}, refusal.status or status)
