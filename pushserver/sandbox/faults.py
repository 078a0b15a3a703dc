"""Faults on demand: what a robot is told to do to its next callers."""

import threading
from dataclasses import dataclass, field

from pushserver.sandbox.answer import Answer
from pushserver.sandbox.errors import BadSettingError
from pushserver.sandbox.gate import Gate
from pushserver.sandbox.vendor import Refusal

FOREVER = None
"""As a number of times: until told otherwise."""


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer outside the platform's rules; ``accepted`` says whether the message got in all the same."""

    answer: Answer
    accepted: bool


@dataclass(slots=True)
class Countdown:
    """A fault that is due a number of times; ``None`` is for ever."""

    times: int | None = 0

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 0:
            raise BadSettingError(f"times is {self.times}; expected 0 or more, or null for ever")

    def take(self) -> bool:
        """Whether it is due now; if so, one time is used up."""
        if self.times is None:
            return True
        due = self.times > 0
        self.times -= due
        return due

    @property
    def pending(self) -> bool:
        """Whether it would be due."""
        return self.times is None or self.times > 0


@dataclass(frozen=True, slots=True)
class Manner:
    """How one call is treated, whatever it is answered."""

    delay: float = 0.0
    drip: float = 0.0
    drop: bool = False
    gate: Gate | None = None


@dataclass(slots=True)
class _Scripted:
    outcome: Refusal | Raw
    countdown: Countdown


@dataclass(slots=True)
class _Slow:
    seconds: float = 0.0
    countdown: Countdown = field(default_factory=Countdown)

    def take(self) -> float:
        return self.seconds if self.countdown.take() else 0.0


class Faults:
    """The script of one robot. Set from any thread; read by the server, call by call.

    Outcomes queue up: each is used up before the next begins. Everything about the manner (slow, dropped,
    held) holds on its own, so that a refusal can be late and an acceptance lost.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._outcomes: list[_Scripted] = []
        self._delay, self._drip = _Slow(), _Slow()
        self._drop, self._drop_unread = Countdown(), Countdown()
        self._gate: Gate | None = None

    def script(self, outcome: Refusal | Raw, times: int | None) -> None:
        """Answer the next ``times`` calls with ``outcome``, after what was scripted before."""
        with self._lock:
            self._outcomes.append(_Scripted(outcome, Countdown(times)))

    def delay(self, seconds: float, times: int | None) -> None:
        """Answer late."""
        slow = _slow(seconds, times)
        with self._lock:
            self._delay = slow

    def drip(self, interval: float, times: int | None) -> None:
        """Answer byte by byte."""
        slow = _slow(interval, times)
        with self._lock:
            self._drip = slow

    def drop(self, times: int | None, *, unread: bool) -> None:
        """Close instead of answering: after the request was read, or (``unread``) before its body is."""
        countdown = Countdown(times)
        with self._lock:
            if unread:
                self._drop_unread = countdown
            else:
                self._drop = countdown

    def hang(self) -> None:
        """Hold every answer back until :meth:`release`."""
        with self._lock:
            self._gate = self._gate or Gate()

    def release(self) -> None:
        """Let go of the answers held back, and hold no more."""
        with self._lock:
            gate, self._gate = self._gate, None
        if gate is not None:
            gate.open()

    def clear(self) -> None:
        """End every fault."""
        self.release()
        with self._lock:
            self._reset()

    def takes_unread_drop(self) -> bool:
        """Whether this call is to be dropped before its body is read."""
        with self._lock:
            return self._drop_unread.take()

    def take(self) -> tuple[Refusal | Raw | None, Manner]:
        """What is scripted for this call (``None``: the platform's own rules) and how it is treated."""
        with self._lock:
            return self._outcome(), Manner(
                self._delay.take(), self._drip.take(), self._drop.take(), self._gate
            )

    def _outcome(self) -> Refusal | Raw | None:
        while self._outcomes:
            scripted = self._outcomes[0]
            if scripted.countdown.take():
                return scripted.outcome
            self._outcomes.pop(0)
        return None

    @property
    def active(self) -> tuple[str, ...]:
        """The names of the faults that the next call would meet."""
        with self._lock:
            found = {
                "answer": any(scripted.countdown.pending for scripted in self._outcomes),
                "delay": self._delay.countdown.pending,
                "drip": self._drip.countdown.pending,
                "drop": self._drop.pending,
                "drop_unread": self._drop_unread.pending,
                "hang": self._gate is not None,
            }
        return tuple(name for name, pending in found.items() if pending)


def _slow(seconds: float, times: int | None) -> _Slow:
    if seconds < 0:
        raise BadSettingError(f"a wait of {seconds} s; expected 0 or more")
    return _Slow(seconds, Countdown(times if seconds else 0))
