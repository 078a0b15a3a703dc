"""The HTTP door: a falcon application made of given parts, on a waitress that keeps time."""

from pushserver.api.app import App, create_app
from pushserver.api.errors import CannotListen, CannotRestart, NotRestarted, PortInUse
from pushserver.api.forwarded import TrustedProxies, behind
from pushserver.api.limits import Limits
from pushserver.api.listening import open_socket
from pushserver.api.ports import (
    AccountFigures,
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
    Relay,
    RelayOverview,
    RelayStatus,
    Restarted,
)
from pushserver.api.safeguards import Safeguards
from pushserver.api.server import HttpServer

__all__ = [
    "AccountFigures",
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
    "Relay",
    "RelayOverview",
    "RelayStatus",
    "Restarted",
    "Safeguards",
    "TrustedProxies",
    "behind",
    "create_app",
    "open_socket",
]
