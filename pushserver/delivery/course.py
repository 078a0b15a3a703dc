"""The course of a task: from its plan and its attempts so far to what is to be done next. Pure.

A course is made from attempts alone and so is resumed by the same code that runs it: after a crash the
stored attempts are read, and the course goes on where it was. Time is a number given by the caller
(seconds since the epoch), chance a number in 0..1.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pushserver.delivery.coordinator import Coordinator, Outcome
from pushserver.delivery.plan import Plan, PlannedChannel
from pushserver.domain import (
    Attempt,
    Delivered,
    Manner,
    MessageRefused,
    PlatformName,
    RateLimited,
    Target,
    TaskStatus,
    Transient,
    Uncertain,
    Verdict,
)

JITTER = 0.1
"""Share by which the pause before a round is stretched at random, so that tasks do not come in step."""
SAME_MOMENT = 0.05
"""Seconds: targets ready within so little of each other go into the same round."""


@dataclass(frozen=True, slots=True)
class RetryRules:
    """``count`` further rounds at most, ``delay`` seconds before the first, doubling."""

    count: int
    delay: float


@dataclass(frozen=True, slots=True)
class Errand:
    """One target's part in a round: its next attempt."""

    target: Target
    number: int
    only: tuple[str, ...] = ()
    repeats_uncertain: bool = False
    """The one repetition that a lost answer deserves has been used or is this."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a channel is to do in a round: these errands, minus those whose outcome is known already."""

    group: int
    round: int
    platform: PlatformName
    errands: tuple[Errand, ...]
    ended: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Pause:
    """The next round of a group is due in so many seconds."""

    group: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is: ``total`` is always the sum of the others."""

    total: int
    success: int
    failed: int
    pending: int


Step = Order | Pause


@dataclass(slots=True)
class _Group:
    channels: tuple[PlannedChannel, ...]
    round: int
    coordinator: Coordinator[PlatformName] | None = None
    orders: Mapping[PlatformName, Order] | None = None
    candidates: tuple[Target, ...] = ()
    """Between rounds: the targets that the next one is for."""


class Course:
    """Where one task stands. ``attempts`` are those so far, in the order of time."""

    def __init__(self, plan: Plan, rules: RetryRules, attempts: Iterable[Attempt] = ()) -> None:
        self._plan = plan
        self._rules = rules
        self._attempts: dict[Target, list[Attempt]] = {}
        for attempt in attempts:
            self.note(attempt)
        self._groups = [_Group(channels, self._last_round(channels)) for channels in plan.groups]

    # What it is told ---------------------------------------------------------------------------------

    def note(self, attempt: Attempt) -> None:
        """An attempt has ended; it is part of the course from here on. Noting it twice changes nothing."""
        known = self._attempts.setdefault(attempt.target, [])
        if attempt not in known:
            known.append(attempt)

    def begin(self, now: float, chance: Callable[[], float]) -> list[Step]:
        """The first steps: of a new task, or of one that is taken up again."""
        return [step for index in range(len(self._groups)) for step in self._open(index, now, chance)]

    def channel_ended(
        self, group: int, platform: PlatformName, now: float, chance: Callable[[], float]
    ) -> list[Step]:
        """A channel has carried out its order; its attempts have been noted."""
        coordinator, orders = self._groups[group].coordinator, self._groups[group].orders
        if coordinator is None or orders is None or platform not in coordinator.under_way:
            return []
        started = coordinator.end(platform, self._channel_outcome(orders[platform]))
        if coordinator.finished:
            return self._close(group, now, chance)
        return [orders[name] for name in started]

    def channel_lost(
        self, group: int, platform: PlatformName, now: float, chance: Callable[[], float]
    ) -> list[Step]:
        """A channel has lost its order: what is left of it, now that the stored attempts have been noted."""
        coordinator, orders = self._groups[group].coordinator, self._groups[group].orders
        if coordinator is None or orders is None or platform not in coordinator.under_way:
            return []
        channel = next(c for c in self._groups[group].channels if c.platform is platform)
        order = self._order(group, channel, self._began(group, now)) or orders[platform]
        self._groups[group].orders = {**orders, platform: order}
        if self._coordinator(order).finished:
            return self.channel_ended(group, platform, now, chance)
        return [order]

    def round_due(self, group: int, now: float, chance: Callable[[], float]) -> list[Step]:
        """The pause before a round is over."""
        if self._groups[group].coordinator is not None:
            return []
        self._groups[group].round += 1
        return self._open(group, now, chance)

    # What can be asked -------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Nothing is under way and no round is to come."""
        return not any(group.coordinator is not None or group.candidates for group in self._groups)

    @property
    def status(self) -> TaskStatus:
        """The fate of the task, once the course is finished.

        A notice makes a task a success only where there is nothing else. What a channel has delivered counts
        even if it has been taken out of the configuration since.
        """
        platforms = {channel.platform for channel in self._plan.channels}
        platforms |= {target.platform for target in self._attempts}
        counted = platforms - {PlatformName.SYSTEM} or platforms
        delivered = any(self._delivered(target) for target in self._attempts if target.platform in counted)
        return TaskStatus.COMPLETED if delivered else TaskStatus.FAILED

    @property
    def failures(self) -> list[Attempt]:
        """The last attempt of each target that it did not reach."""
        return [attempts[-1] for target, attempts in self._attempts.items() if not self._delivered(target)]

    @property
    def progress(self) -> Progress:
        """Counts of the targets that were started, or are owed an attempt in any case."""
        open_targets = {target for group in self._groups for target in self._open_targets(group)}
        started = set(self._attempts) | open_targets
        pending = {target for target in open_targets if not self._delivered(target)}
        success = sum(1 for target in started if self._delivered(target))
        return Progress(len(started), success, len(started) - success - len(pending), len(pending))

    def open_errand(self, target: Target) -> tuple[int, Errand] | None:
        """The round and the errand of a further attempt at this target; ``None`` if there will be none."""
        if not any(target in channel.targets for channel in self._plan.channels):
            return None
        attempts = self._attempts.get(target)
        if not attempts:
            return 1, self._errand(target)
        if self._owed_repetition(target) or self._retryable(target):
            return attempts[-1].round, self._errand(target)
        return None

    # Rounds ------------------------------------------------------------------------------------------

    def _open(self, index: int, now: float, chance: Callable[[], float]) -> list[Step]:
        """Begin the group's present round, or go on with it."""
        group, began = self._groups[index], self._began(index, now)
        group.candidates = ()
        orders = {
            order.platform: order
            for channel in group.channels
            if (order := self._order(index, channel, began)) is not None
        }
        done = {
            platform: self._channel_outcome(order)
            for platform, order in orders.items()
            if self._coordinator(order).finished
        }
        coordinator = Coordinator(self._plan.manners.across, tuple(orders), done)
        started = coordinator.start()
        group.coordinator, group.orders = coordinator, orders
        if coordinator.finished:
            return self._close(index, now, chance)
        return [orders[platform] for platform in started]

    def _close(self, index: int, now: float, chance: Callable[[], float]) -> list[Step]:
        """The round is over: is another one owed?"""
        group = self._groups[index]
        group.coordinator = group.orders = None
        group.candidates = self._candidates(group)
        if not group.candidates:
            return []
        ready = min(self._ready_at(target) for target in group.candidates)
        pause = max(0.0, ready - now)
        return [Pause(index, pause * (1 + JITTER * chance()))]

    def _order(self, index: int, channel: PlannedChannel, began: float) -> Order | None:
        """What this channel has to do, or has done, in the group's present round, which began then."""
        group = self._groups[index]
        errands, ended = [], {}
        for target in channel.targets:
            if self._ended_in(target, group.round):
                ended[target.name] = self._outcome(target)
            elif not self._takes_part(target, group, began):
                continue
            errands.append(self._errand(target))
        if not errands:
            return None
        return Order(index, group.round, channel.platform, tuple(errands), ended)

    def _began(self, index: int, now: float) -> float:
        """When the group's present round began: whoever was not ready then waits for the next one."""
        group = self._groups[index]
        made = (attempt for attempt in self._made_by(group.channels) if attempt.round == group.round)
        return min((attempt.started_at.timestamp() for attempt in made), default=now)

    def _errand(self, target: Target) -> Errand:
        attempts = self._attempts.get(target, [])
        uncertain = any(isinstance(attempt.verdict, Uncertain) for attempt in attempts)
        return Errand(target, len(attempts) + 1, self._owed_mailboxes(target), repeats_uncertain=uncertain)

    def _coordinator(self, order: Order) -> Coordinator[str]:
        names = [errand.target.name for errand in order.errands]
        return Coordinator(self._plan.manners.within, names, order.ended)

    def _candidates(self, group: _Group) -> tuple[Target, ...]:
        """The targets that a further round would be for."""
        next_round = group.round + 1
        return tuple(target for target in _targets(group) if self._wanted(target, group, next_round))

    def _wanted(self, target: Target, group: _Group, round_: int) -> bool:
        """May this target be tried in this round, a later one than its last, and does the task need it?

        Once an earlier round has had a success, only readers of a mail that were put off are still owed
        something. One of this very round takes nobody out of it: that is up to the coordinators.
        """
        return self._retryable(target) and (self._delivered(target) or not self._satisfied(group, round_))

    def _satisfied(self, group: _Group, round_: int) -> bool:
        """Had the group its success before this round?"""
        return not self._plan.everyone_counts and any(
            isinstance(attempt.verdict, Delivered) and attempt.round < round_
            for attempt in self._made_by(group.channels)
        )

    def _open_targets(self, group: _Group) -> Iterable[Target]:
        if group.coordinator is None or group.orders is None:
            return group.candidates
        orders = [group.orders[platform] for platform in group.coordinator.under_way]
        return [target for order in orders for target in self._under_way_in(order)]

    def _under_way_in(self, order: Order) -> list[Target]:
        """The targets of an order that are being tried; from the attempts noted since it was given too."""
        ended = {
            errand.target.name: self._outcome(errand.target)
            for errand in order.errands
            if self._ended_in(errand.target, order.round)
        }
        names = [errand.target.name for errand in order.errands]
        started = Coordinator(self._plan.manners.within, names, ended).start()
        return [Target(order.platform, name) for name in started]

    # One target --------------------------------------------------------------------------------------

    def _delivered(self, target: Target) -> bool:
        return any(isinstance(attempt.verdict, Delivered) for attempt in self._attempts.get(target, ()))

    def _owed_mailboxes(self, target: Target) -> tuple[str, ...]:
        """The readers of a mail that others have got and they have not; empty for "everybody"."""
        attempts = self._attempts.get(target)
        if not attempts:
            return ()
        last = attempts[-1]
        return last.verdict.deferred if isinstance(last.verdict, Delivered) else last.only

    def _outcome(self, target: Target) -> Outcome:
        if self._delivered(target):
            return Outcome.SUCCESS
        return outcome_of(self._attempts[target][-1])

    def _channel_outcome(self, order: Order) -> Outcome:
        reached = any(self._delivered(errand.target) for errand in order.errands)
        return Outcome.SUCCESS if reached else Outcome.FAILURE

    def _owed_repetition(self, target: Target) -> bool:
        """A lost answer deserves one repetition, in the same round."""
        attempts = self._attempts.get(target, [])
        uncertain = [attempt for attempt in attempts if isinstance(attempt.verdict, Uncertain)]
        return len(uncertain) == 1 and attempts[-1] is uncertain[0] and owes_repetition(attempts[-1].verdict)

    def _ended_in(self, target: Target, round_: int) -> bool:
        attempts = self._attempts.get(target, [])
        return bool(attempts) and attempts[-1].round == round_ and not self._owed_repetition(target)

    def _takes_part(self, target: Target, group: _Group, began: float) -> bool:
        if target not in self._attempts:
            return group.round == 1  # what no round has tried yet was skipped for good
        if self._owed_repetition(target):
            return True
        return self._wanted(target, group, group.round) and self._ready_at(target) <= began + SAME_MOMENT

    def _retryable(self, target: Target) -> bool:
        """May this target be tried in a further round?"""
        attempts = self._attempts.get(target)
        if not attempts or len({attempt.round for attempt in attempts}) > self._rules.count:
            return False
        if self._hopeless(target.platform):
            return False
        verdict = attempts[-1].verdict
        if isinstance(verdict, Delivered):
            return bool(verdict.deferred)
        if isinstance(verdict, Transient | RateLimited) and verdict.retries is not None:
            return _count_capped(attempts, type(verdict)) <= verdict.retries
        return verdict.passing

    def _hopeless(self, platform: PlatformName) -> bool:
        """Has a target said that no target of this platform will take the message, where that ends a pass?"""
        return self._plan.manners.within is Manner.FIRST_SUCCESS and any(
            isinstance(attempt.verdict, MessageRefused)
            for target, attempts in self._attempts.items()
            if target.platform is platform
            for attempt in attempts
        )

    def _ready_at(self, target: Target) -> float:
        """When the target may be tried again, seconds since the epoch."""
        last = self._attempts[target][-1]
        ended = last.started_at.timestamp() + last.duration
        if isinstance(last.verdict, RateLimited):
            return ended + last.verdict.waits[0]
        rounds = len({attempt.round for attempt in self._attempts[target]})
        return ended + self._rules.delay * 2.0 ** (rounds - 1)

    def _last_round(self, channels: tuple[PlannedChannel, ...]) -> int:
        return max((attempt.round for attempt in self._made_by(channels)), default=1)

    def _made_by(self, channels: Iterable[PlannedChannel]) -> Iterator[Attempt]:
        """The attempts of these channels, target by target."""
        for channel in channels:
            for target in channel.targets:
                yield from self._attempts.get(target, ())


def _count_capped(attempts: list[Attempt], kind: type[Transient | RateLimited]) -> int:
    """How many ended with such a verdict that caps its retries."""
    return sum(isinstance(a.verdict, kind) and a.verdict.retries is not None for a in attempts)


def _targets(group: _Group) -> list[Target]:
    return [target for channel in group.channels for target in channel.targets]


def owes_repetition(verdict: Verdict) -> bool:
    """Is this a lost answer that has not been followed up yet?"""
    return isinstance(verdict, Uncertain) and verdict.again


def outcome_of(attempt: Attempt) -> Outcome:
    """What an attempt means for the other members of its channel."""
    if isinstance(attempt.verdict, Delivered):
        return Outcome.SUCCESS
    if isinstance(attempt.verdict, MessageRefused):
        return Outcome.HOPELESS
    return Outcome.FAILURE
