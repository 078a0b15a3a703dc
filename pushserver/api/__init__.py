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
    Configuration,
    Dependencies,
    Health,
    Notifications,
    Outcome,
    Progress,
    Recipient,
    Relay,
    RelayOverview,
    RelayStatus,
    Reloaded,
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
    "Configuration",
    "Dependencies",
    "Health",
    "HttpServer",
    "Limits",
    "NotRestarted",
    "Notifications",
    "Outcome",
    "PortInUse",
    "Progress",
    "Recipient",
    "Relay",
    "RelayOverview",
    "RelayStatus",
    "Reloaded",
    "Restarted",
    "Safeguards",
    "TrustedProxies",
    "behind",
    "create_app",
    "open_socket",
]
