"""The HTTP door: a falcon application made of given parts, on a waitress that keeps time."""

from pushserver.api.app import App, create_app
from pushserver.api.errors import CannotListen, CannotRestart, NotRestarted, PortInUse
from pushserver.api.limits import Limits
from pushserver.api.listening import open_socket
from pushserver.api.ports import (
    ActorPage,
    ActorQuery,
    Actors,
    ActorView,
    Channel,
    Dependencies,
    Health,
    Notifications,
    Progress,
    Recipient,
    Restarted,
)
from pushserver.api.server import HttpServer

__all__ = [
    "ActorPage",
    "ActorQuery",
    "ActorView",
    "Actors",
    "App",
    "CannotListen",
    "CannotRestart",
    "Channel",
    "Dependencies",
    "Health",
    "HttpServer",
    "Limits",
    "NotRestarted",
    "Notifications",
    "PortInUse",
    "Progress",
    "Recipient",
    "Restarted",
    "create_app",
    "open_socket",
]
