"""``GET /health``: whether the service is fit to take a push."""

from http import HTTPStatus
from typing import Any

import falcon

from pushserver.api.envelope import answer
from pushserver.api.ports import Dependencies


class HealthResource:
    """The service's own fitness; vendors that are down show in ``checks`` only."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """200 while healthy, else 503 with the reason."""
        health = self._deps.health()
        data: dict[str, Any] = {"status": "healthy" if health.healthy else "unhealthy"}
        if health.checks:
            data["checks"] = dict(health.checks)
        if health.healthy:
            answer(resp, HTTPStatus.OK, "服务运行正常", data)
        else:
            answer(resp, HTTPStatus.SERVICE_UNAVAILABLE, "服务不可用", data, error=health.reason)
