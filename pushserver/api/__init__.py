"""The HTTP door: a falcon application made of given parts, on a waitress that keeps time."""

from pushserver.api.app import App, create_app
from pushserver.api.errors import CannotListen, PortInUse
from pushserver.api.limits import Limits
from pushserver.api.listening import open_socket
from pushserver.api.ports import Channel, Dependencies, Health, Progress, Recipient
from pushserver.api.server import HttpServer

__all__ = [
    "App",
    "CannotListen",
    "Channel",
    "Dependencies",
    "Health",
    "HttpServer",
    "Limits",
    "PortInUse",
    "Progress",
    "Recipient",
    "create_app",
    "open_socket",
]
