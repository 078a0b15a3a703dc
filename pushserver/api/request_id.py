"""``X-Request-ID``: the caller's, or one of ours; in the answer, and in every log line about the request."""

import re
import secrets
from collections.abc import Callable
from typing import Final

import falcon

from pushserver.logs import current_request

HEADER: Final = "X-Request-ID"
_VALID: Final = re.compile(r"[0-9A-Za-z._:-]{1,64}")
_BYTES: Final = 8


class RequestIds:
    """Middleware. What a caller sends and is no plausible id is replaced; ``token`` makes new ones."""

    def __init__(self, token: Callable[[int], str] = secrets.token_hex) -> None:
        self._token = token

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Take the caller's id, or make one."""
        given = req.env.get("HTTP_X_REQUEST_ID", "")
        current_request.set(given if _VALID.fullmatch(given) else self._token(_BYTES))

    def process_response(
        self, _req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Say it, and forget it: the thread's next request has another."""
        resp.set_header(HEADER, current_request.get())
        current_request.set("")
