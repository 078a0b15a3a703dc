"""The one shape of every JSON answer: ``{"code", "message", "data", "error", "errors"}``.

``code`` repeats the HTTP status and ``message`` is Chinese, for people. The other three are left out when
empty: ``data`` is the result, ``error`` a detail for people, ``errors`` a list of ``{"field", "reason"}``.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import falcon

CONTENT_TYPE = "application/json; charset=utf-8"


def encode(
    code: int,
    message: str,
    data: Mapping[str, Any] | None = None,
    *,
    error: str = "",
    errors: Sequence[Mapping[str, str]] = (),
) -> bytes:
    """The envelope as real UTF-8; a lone surrogate, which UTF-8 cannot say, stays a JSON escape."""
    envelope: dict[str, Any] = {"code": code, "message": message}
    if data:
        envelope["data"] = data
    if error:
        envelope["error"] = error
    if errors:
        envelope["errors"] = errors
    # Only lone surrogates reach the error handler, and Python escapes them just as JSON does: \ud83d.
    return json.dumps(envelope, ensure_ascii=False).encode("utf-8", "backslashreplace")


def answer(
    resp: falcon.Response,
    code: int,
    message: str,
    data: Mapping[str, Any] | None = None,
    *,
    error: str = "",
    errors: Sequence[Mapping[str, str]] = (),
) -> None:
    """Make ``resp`` the envelope with this HTTP status."""
    resp.status = code
    resp.content_type = CONTENT_TYPE
    resp.data = encode(code, message, data, error=error, errors=errors)
