"""A line in the log for everything that operators do, and for what they were not allowed to."""

import logging
from typing import Final

import falcon

from pushserver.config import Scope

_log = logging.getLogger(__name__)

_NOBODY: Final = "-"


class Audit:
    """Middleware. A resource may say more: ``req.context.target`` is what was operated on."""

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Write the line, once it is known how it has ended."""
        operation = getattr(req.context, "operation", None)
        if operation is None or operation.scope is not Scope.OPERATE:
            return
        caller = getattr(req.context, "caller", None)
        _log.info(
            "运维操作",
            extra={
                "action": "audit",
                "operation": operation.id,
                "target": getattr(req.context, "target", _NOBODY),
                "client": req.remote_addr,
                "key": caller.prefix if caller is not None and caller.prefix else _NOBODY,
                "status": falcon.http_status_to_code(resp.status),
            },
        )
