"""``GET /metrics``: for Prometheus."""

from typing import Final

import falcon

from pushserver.api.ports import Dependencies

TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format."""


class MetricsResource:
    """All processes' metrics, in Prometheus' text format."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Render them as they are now."""
        resp.content_type = TEXT_FORMAT
        resp.data = self._deps.metrics()
