"""Which processes a service consists of, and which of them a recipient belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

from actors import Address
from pushserver.config import ProcessSettings

ALONE = "main-0"
"""The name of the process when there is only one."""
_GATEWAY = "gateway"
_DELIVERY = "delivery"
_RELAY = "relay"
_CPUS_A_GATEWAY = 4
_FEW_CPUS = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """So many gateways and deliverers; none of either means that one process does everything.

    ``relay``: mails are relayed, in one process whatever the number of the others.
    """

    gateways: int = 0
    deliverers: int = 0
    relay: bool = False

    @classmethod
    def of(cls, settings: ProcessSettings, cpus: int, *, relay: bool = False) -> "Layout":
        """What the settings mean on a machine with so many usable CPUs: a process a CPU, most deliver."""
        if settings.inline:
            return cls(relay=relay)
        gateways = _count(settings.gateway, max(1, cpus // _CPUS_A_GATEWAY))
        deliverers = _count(settings.delivery, max(1, cpus - gateways))
        return cls(gateways, deliverers, relay)

    @property
    def alone(self) -> bool:
        """Does one process do everything?"""
        return not self.deliverers

    @property
    def delivery_processes(self) -> tuple[str, ...]:
        """The processes that deliver, in the order of their start."""
        return tuple(_names(_DELIVERY, self.deliverers)) or (ALONE,)

    @property
    def gateway_processes(self) -> tuple[str, ...]:
        """The processes that have a door, in the order of their start."""
        return tuple(_names(_GATEWAY, self.gateways)) or (ALONE,)

    @property
    def relay_process(self) -> str | None:
        """The process that relays mails, if any does."""
        if not self.relay:
            return None
        return ALONE if self.alone else f"{_RELAY}-0"

    @property
    def processes(self) -> tuple[str, ...]:
        """All of them in the order of their start: who delivers is there before the first push."""
        relay = () if self.relay_process is None else (self.relay_process,)
        return tuple(dict.fromkeys((*self.delivery_processes, *relay, *self.gateway_processes)))

    def cpu_turn(self, name: str, cpus: int) -> int:
        """A process's turn when so many CPUs are dealt out.

        The relay's is the last; where two CPUs are all there are, it shares the first gateway's, since most
        of the work is the deliverers'.
        """
        others = (*self.delivery_processes, *self.gateway_processes)
        if name in others:
            return others.index(name)
        return self.deliverers if cpus <= _FEW_CPUS else len(others)

    def owner(self, alias: str) -> str:
        """The process of a recipient. Computed, not stored: another number of processes, another owner."""
        names = self.delivery_processes
        return names[crc32(alias.encode("utf-8", "surrogatepass")) % len(names)]

    def recipient(self, alias: str) -> Address:
        """The address of a recipient."""
        return Address(self.owner(alias), ("recipients", alias))


def _count(setting: int | Literal["auto"], otherwise: int) -> int:
    return otherwise if setting == "auto" else setting


def _names(role: str, count: int) -> Iterator[str]:
    return (f"{role}-{index}" for index in range(count))
