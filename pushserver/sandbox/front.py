"""Which path belongs to whom: the platforms' webhooks, the admin API, the page."""

from pushserver.sandbox import page
from pushserver.sandbox.admin import Admin
from pushserver.sandbox.answer import Reply, json_answer
from pushserver.sandbox.request import Head, Request
from pushserver.sandbox.server import Handler
from pushserver.sandbox.world import World

_NOT_FOUND = json_answer({"error": "nothing is here; the page at / shows the webhooks of this sandbox"}, 404)


class Front:
    """The application behind the sandbox's HTTP server."""

    def __init__(self, world: World) -> None:
        self._registry = world.registry
        self._admin = Admin(world)

    def open(self, head: Head) -> Handler | None:
        """Who takes this request; ``None`` resets the connection."""
        if head.path.startswith("/sandbox/"):
            return self._admin.handle
        if head.path in page.PATHS:
            return page.serve
        try:
            return self._registry.open(head)
        except LookupError:
            return _not_found


def _not_found(_request: Request) -> Reply:
    return Reply(_NOT_FOUND)
