"""A worker process is data, like every child."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from actors.policy import Backoff, Exhausted, Policy


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, in seconds, the root waits for a worker: to be ready, between heartbeats, to stop."""

    ready: float = 30.0
    heartbeat: float = 5.0
    stop: float = 30.0


_POLICY = Policy(
    restarts=5, within=60.0, backoff=Backoff(first=0.1, ceiling=5.0), exhausted=Exhausted.ESCALATE
)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One worker: ``main(link, *args)`` is what it runs; both must be importable from a fresh interpreter.

    ``main`` calls ``link.ready()`` when its actors have answered, and returns an exit status when the link
    says stop.
    """

    name: str
    main: Callable[..., int]
    args: tuple[Any, ...] = ()
    policy: Policy = field(default=_POLICY)
    patience: Patience = field(default_factory=Patience)
    title: str = ""
    """What the process is called in listings of the system; its name by default."""
