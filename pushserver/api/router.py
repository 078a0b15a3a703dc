"""Falcon's router, with the two things about methods that HTTP promises and Falcon leaves out."""

from collections.abc import Callable
from typing import Any

from falcon.routing import CompiledRouter


class Router(CompiledRouter):
    """Answers HEAD wherever there is GET, and 405 with ``Allow`` to methods that nobody has heard of."""

    def map_http_methods(self, resource: object, **kwargs: Any) -> dict[str, Callable[..., Any]]:
        """The resource's methods; see :meth:`falcon.routing.CompiledRouter.map_http_methods`."""
        methods = _Methods(super().map_http_methods(resource, **kwargs))
        if "GET" in methods:
            # Falcon drops the body of an answer to HEAD and keeps its length.
            methods.setdefault("HEAD", methods["GET"])
        return methods


class _Methods(dict[str, Callable[..., Any]]):
    """By method; an unknown one gets the responder that Falcon fills in for those that are not allowed."""

    def __missing__(self, method: str) -> Callable[..., Any]:
        return self["WEBSOCKET"]
