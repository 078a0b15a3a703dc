"""Where the processes of one service meet."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Network:
    """Where the processes of one service find one another; made by the root, given to every worker.

    The path of ``directory`` must be short: with the name of a process it has to fit a socket's address, 107
    bytes on Linux.
    """

    directory: str
    authkey: bytes = field(repr=False)

    def path(self, process: str) -> str:
        """The socket of a process."""
        return str(Path(self.directory) / f"{process}.sock")
