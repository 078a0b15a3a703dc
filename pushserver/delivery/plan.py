"""What a strategy means for one recipient: which channels, in which order, with which targets. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pushserver.domain import (
    MANNERS,
    Delivered,
    Manner,
    Manners,
    PlatformName,
    StoredTask,
    Strategy,
    Target,
    Task,
)


class Named(Protocol):
    """A configured target, as far as a plan needs to know it."""

    @property
    def name(self) -> str:
        """What it is called within its channel."""


class HasTargets(Protocol):
    """A configured channel, as far as a plan needs to know it."""

    @property
    def platform(self) -> PlatformName:
        """Which platform."""

    @property
    def targets(self) -> Sequence[Named]:
        """Its targets in the order of the configuration."""


@dataclass(frozen=True, slots=True)
class PlannedChannel:
    """One channel and its targets, in the order of the configuration."""

    platform: PlatformName
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The channels that a task may use and the manner at each level."""

    channels: tuple[PlannedChannel, ...]
    manners: Manners

    @property
    def groups(self) -> tuple[tuple[PlannedChannel, ...], ...]:
        """Channels that are retried together.

        Where every channel is owed its own success, each is a group of its own: a slow one delays no other.
        Otherwise they replace one another, and all of them are one group.
        """
        if self.manners.across is Manner.EVERYONE:
            return tuple((channel,) for channel in self.channels)
        return (self.channels,) if self.channels else ()

    def with_reached(self, targets: Iterable[Target]) -> "Plan":
        """The plan, and targets that have the message although they are not configured any more.

        Who has it satisfies whoever would otherwise get it in their place. They stand before the others.
        """
        planned = {channel.platform: channel.targets for channel in self.channels}
        gone: dict[PlatformName, tuple[Target, ...]] = {}
        for target in dict.fromkeys(targets):
            if target not in planned.get(target.platform, ()):
                gone[target.platform] = (*gone.get(target.platform, ()), target)
        if not gone:
            return self
        joined = {
            platform: (*gone.get(platform, ()), *planned.get(platform, ())) for platform in (*gone, *planned)
        }
        channels = tuple(PlannedChannel(platform, members) for platform, members in joined.items())
        return Plan(channels, self.manners)

    @property
    def everyone_counts(self) -> bool:
        """Is each target owed its own success? Else one success satisfies a group."""
        return self.manners.across is Manner.EVERYONE and self.manners.within is Manner.EVERYONE


FALLBACK_MANNERS = Manners(Manner.EVERYONE, Manner.EVERYONE)


def plan_for(task: Task, channels: Sequence[HasTargets]) -> Plan:
    """Lay out a task over the recipient's channels."""
    planned = tuple(_planned(channel) for channel in channels if channel.targets)
    return Plan(_chosen(task, planned), MANNERS[task.strategy])


def plan_of(stored: StoredTask, channels: Sequence[HasTargets]) -> Plan:
    """The same for a task that may have begun under another configuration."""
    attempts = [attempt for attempt in stored.attempts if not attempt.fallback]
    reached = [attempt.target for attempt in attempts if isinstance(attempt.verdict, Delivered)]
    return plan_for(stored.task, channels).with_reached(reached)


def fallback_plan(target_names: Sequence[str]) -> Plan:
    """Lay out the last line of defence: every notice there is."""
    targets = tuple(Target(PlatformName.SYSTEM, name) for name in target_names)
    channels = (PlannedChannel(PlatformName.SYSTEM, targets),) if targets else ()
    return Plan(channels, FALLBACK_MANNERS)


def _planned(channel: HasTargets) -> PlannedChannel:
    return PlannedChannel(
        channel.platform, tuple(Target(channel.platform, target.name) for target in channel.targets)
    )


def _chosen(task: Task, channels: tuple[PlannedChannel, ...]) -> tuple[PlannedChannel, ...]:
    if task.strategy is Strategy.PLATFORM:
        return tuple(channel for channel in channels if channel.platform is task.platform)
    if MANNERS[task.strategy].across is Manner.EVERYONE:
        return channels
    # Notices are no spare for a channel: they are the last line of defence.
    return tuple(c for c in channels if c.platform is not PlatformName.SYSTEM) or channels
