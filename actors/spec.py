"""A child is data: how to start it, what stands under it, and how it is treated when it ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from actors.policy import Policy

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.context import Context

_NO_CHILDREN: Mapping[str, "ChildSpec"] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """Everything the supervisor needs to know of a child.

    ``start`` builds the actor from its context; without it the child is a mere branch that holds others.
    ``children`` maps names to specs and may be lazy: it is asked by name, and walked only for listings.
    ``starts`` names the children that start with it, in this order, and stop in the reverse one; others
    start when the first message comes. ``sleeps`` marks the root of a subtree that ends when idle.
    ``deadline`` is the number of seconds that one message may take before the actor counts as stuck.
    ``batch`` is how many waiting messages the actor is handed at once (see ``Actor.receive_batch``).
    """

    kind: str
    start: "Callable[[Context], Actor] | None" = None
    children: "Mapping[str, ChildSpec]" = field(default_factory=lambda: _NO_CHILDREN)
    starts: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    sleeps: bool = False
    deadline: float = 30.0
    capacity: int = 10_000
    batch: int = 1
