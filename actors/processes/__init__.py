"""Several processes: a root that supervises workers, and messages between the actors in them.

POSIX only (fork server, Unix sockets); nothing else of :mod:`actors` imports it.
"""

from actors.processes.child import Child, Phase
from actors.processes.errors import CannotTravel
from actors.processes.link import BEAT_INTERVAL, Link
from actors.processes.network import Network
from actors.processes.remote_ref import RemoteRef
from actors.processes.root import Root
from actors.processes.spec import Patience, ProcessSpec
from actors.processes.transport import Transport

__all__ = [
    "BEAT_INTERVAL",
    "CannotTravel",
    "Child",
    "Link",
    "Network",
    "Patience",
    "Phase",
    "ProcessSpec",
    "RemoteRef",
    "Root",
    "Transport",
]
