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
_CPUS_A_GATEWAY = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """So many gateways and deliverers; none of either means that one process does everything."""

    gateways: int = 0
    deliverers: int = 0

    @classmethod
    def of(cls, settings: ProcessSettings, cpus: int) -> "Layout":
        """What the settings mean on a machine with so many usable CPUs: a process a CPU, most deliver."""
        if settings.inline:
            return cls()
        gateways = _count(settings.gateway, max(1, cpus // _CPUS_A_GATEWAY))
        deliverers = _count(settings.delivery, max(1, cpus - gateways))
        return cls(gateways, deliverers)

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
    def processes(self) -> tuple[str, ...]:
        """All of them in the order of their start: who delivers is there before the first push."""
        return tuple(dict.fromkeys((*self.delivery_processes, *self.gateway_processes)))

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
