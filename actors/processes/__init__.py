"""Several processes: a root that supervises workers, and messages between the actors in them.

POSIX only (fork server, Unix sockets); nothing else of :mod:`actors` imports it.
"""

from actors.processes.child import Child, Phase
from actors.processes.link import BEAT_INTERVAL, Link
from actors.processes.root import Root
from actors.processes.spec import Patience, ProcessSpec
from actors.processes.transport import Network, RemoteRef, Transport

__all__ = [
    "BEAT_INTERVAL",
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
