"""The outside world, scripted: platforms that say what they are told to, and a journal of who was called.

An endpoint says its acts one after the other, anew for each task; the last one repeats. An endpoint without
acts delivers.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from pushserver.config import TargetSettings
from pushserver.domain import Delivered, Delivery, Verdict
from pushserver.platforms import Merged, Part, Platform

DEADLINE = 20.0
"""Seconds after which what was waited for is held not to come."""

Act = Verdict | BaseException | Callable[[Delivery], Verdict]
Acts = Act | Sequence[Act]


@dataclass(eq=False, slots=True)
class Call:
    """One delivery at one endpoint; ``began`` and ``ended`` are ticks of the journal."""

    name: str
    delivery: Delivery
    nth: int
    began: int
    ended: int | None = None


class Hold:
    """An act that stays inside until it is let go."""

    def __init__(self, verdict: Verdict | None = None) -> None:
        self._verdict = verdict or Delivered()
        self._let_go = threading.Event()

    def __call__(self, delivery: Delivery) -> Verdict:
        if not self._let_go.wait(DEADLINE):
            raise TimeoutError("nobody let go of this send")
        return self._verdict

    def let_go(self) -> None:
        self._let_go.set()


class Together:
    """Lets calls go on only when all of them are inside at once."""

    def __init__(self, calls: int) -> None:
        self._barrier = threading.Barrier(calls)

    def meet(self) -> None:
        self._barrier.wait(DEADLINE / 2)


@dataclass(slots=True)
class Stage:
    """Where the platforms of a test play; safe to share between threads."""

    acts: Mapping[str, Acts] = field(default_factory=dict)
    meetings: dict[tuple[str, int], Together] = field(default_factory=dict)
    """Which nth calls of an endpoint have to be inside together with which others."""
    calls: list[Call] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    rated: bool = False
    """Do these platforms limit how often they may be called?"""
    probes: Sequence[Verdict] = ()
    """What probes are answered, in turn; without any there is no such call."""
    probed: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ticks: Iterator[int] = field(default_factory=count)

    def build(self, settings: TargetSettings) -> Platform:
        self.built.append(settings.name)
        return _ScriptedRated(self, settings.name) if self.rated else _Scripted(self, settings.name)

    def deliver(self, name: str, delivery: Delivery) -> Verdict:
        call = self._enter(name, delivery)
        try:
            if (meeting := self.meetings.get((name, call.nth))) is not None:
                meeting.meet()
            act = self._act(call)
            if isinstance(act, BaseException):
                raise act
            return act(delivery) if callable(act) else act
        finally:
            self._leave(call)

    def probe(self, name: str) -> Verdict | None:
        if not self.probes:
            return None
        self.probed.append(name)
        return self.probes[min(len(self.probed), len(self.probes)) - 1]

    def _enter(self, name: str, delivery: Delivery) -> Call:
        with self._changed:
            nth = 1 + sum(c.name == name and c.delivery.task_id == delivery.task_id for c in self.calls)
            call = Call(name, delivery, nth, next(self._ticks))
            self.calls.append(call)
            self.most_at_once = max(self.most_at_once, sum(c.ended is None for c in self.calls))
            self._changed.notify_all()
        return call

    def _leave(self, call: Call) -> None:
        with self._changed:
            call.ended = next(self._ticks)
            self._changed.notify_all()

    def _act(self, call: Call) -> Act:
        acts = self.acts.get(call.name, Delivered())
        if not isinstance(acts, Sequence):
            return acts
        return acts[min(call.nth, len(acts)) - 1]

    @property
    def names(self) -> list[str]:
        """Who was called, in order."""
        return [call.name for call in list(self.calls)]

    @property
    def inside(self) -> list[str]:
        """Who has been called and has not answered."""
        return [call.name for call in list(self.calls) if call.ended is None]

    def texts(self, name: str) -> list[str]:
        """What an endpoint was given, in order."""
        return [call.delivery.push.text for call in list(self.calls) if call.name == name]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE), f"called so far: {self.names}"

    def wait_for_calls(self, *names: str) -> None:
        """Wait until these are inside at the same time."""
        self.wait_until(lambda: sorted(self.inside) == sorted(names))

    def let_go(self) -> None:
        """Let go of whatever is held, so that no thread stays behind."""
        for acts in self.acts.values():
            for act in acts if isinstance(acts, Sequence) else [acts]:
                if isinstance(act, Hold):
                    act.let_go()


@dataclass(frozen=True, slots=True)
class _Scripted:
    stage: Stage
    name: str

    def deliver(self, delivery: Delivery) -> Verdict:
        return self.stage.deliver(self.name, delivery)

    def close(self) -> None:
        self.stage.closed.append(self.name)


class _ScriptedRated(_Scripted):
    """Merges any number of messages: their texts, with ``+`` between them."""

    @property
    def calls(self) -> int:
        made = len(self.stage.probed) if self.stage.probes else 0
        return made + sum(call.name == self.name for call in list(self.stage.calls))

    def merge(self, parts: Sequence[Part], at: datetime) -> Merged:
        text = "+".join(part.push.text for part in parts)
        return Merged(replace(parts[0].push, text=text), len(parts))

    def probe(self, at: datetime) -> Verdict | None:
        return self.stage.probe(self.name)
