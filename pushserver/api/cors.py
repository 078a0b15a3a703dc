"""Which web pages may use the API from a browser: none, unless ``server.cors`` says so."""

from collections.abc import Sequence
from typing import Any, Final

import falcon

from pushserver.api.request_id import HEADER

_ANY: Final = "*"


class Cors:
    """Middleware: Falcon's own, with origins that can change, and ``Vary`` for caches in between."""

    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._policy: Any = None  # Falcon's stub has no type for the middleware of a WSGI application
        self.allow(origins)

    def allow(self, origins: Sequence[str]) -> None:
        """Let the pages of these origins use the API from now on; ``*`` means all pages."""
        allowed = _ANY if _ANY in origins else origins
        self._policy = (
            falcon.CORSMiddleware(allow_origins=allowed, expose_headers=HEADER) if origins else None
        )

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Tell the browser what it may pass on."""
        policy = self._policy
        if policy is None:
            return
        resp.append_header("Vary", "Origin")
        policy.process_response(req, resp, resource, req_succeeded)
