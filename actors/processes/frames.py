"""What travels between processes. A batch of frames is one pickled tuple, one write.

Frames are named tuples of plain values, and addresses are tuples of strings: pickling slotted dataclasses
costs twice as much. What actors say to one another is pickled by itself: whoever sends what cannot be
pickled hears of it at once, and what cannot be read over there spoils nothing but itself.
"""

import pickle
from typing import Any, NamedTuple

from actors.address import Address
from actors.errors import ActorFailed
from actors.processes.errors import CannotTravel

Route = tuple[str, ...]
"""An address as plain strings: the process, then the path."""


class Tell(NamedTuple):
    """A message for ``to``; ``sender`` hears of answers and failures."""

    to: Route
    payload: bytes
    sender: Route | None = None
    control: bool = False
    only_if_awake: bool = False


class Ask(NamedTuple):
    """A message for ``to`` whose answer is to go to ``asker``, a process, under ``number``."""

    to: Route
    payload: bytes
    asker: str
    number: int


class Answer(NamedTuple):
    """The answer to an :class:`Ask`; it is raised there if ``failed``."""

    number: int
    payload: bytes
    failed: bool = False


Frame = Tell | Ask | Answer


def route_to(address: Address) -> Route:
    """The plain form of an address."""
    return (address.process, *address.path)


def address_of(route: Route) -> Address:
    """The address of a plain form."""
    return Address(route[0], route[1:])


def pack(value: Any) -> bytes:
    """Make ``value`` fit for travel.

    Raises:
        CannotTravel: it is not plain data.
    """
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # objects may raise anything when they are pickled
        name = type(value).__name__
        raise CannotTravel(
            f"{name} cannot go to another process ({type(error).__name__}): "
            "expected data of classes that can be imported, without locks, files, refs or lambdas"
        ) from error


def unpack(payload: bytes) -> Any:
    """What :func:`pack` was given.

    Raises:
        CannotTravel: it cannot be built in this process.
    """
    try:
        return pickle.loads(payload)  # noqa: S301 - from an authenticated process of this service
    except Exception as error:  # objects may raise anything when they are built
        raise CannotTravel(
            f"what came from another process cannot be read ({type(error).__name__}): "
            "expected data of classes that both can import and build from their pickled state"
        ) from error


def pack_error(error: BaseException) -> bytes:
    """Make an error fit for travel; one that does not survive it goes as an ``ActorFailed`` with its text."""
    try:
        payload = pack(error)
        unpack(payload)
    except CannotTravel:
        return pack(ActorFailed(f"{type(error).__name__}: {error}"))
    return payload
