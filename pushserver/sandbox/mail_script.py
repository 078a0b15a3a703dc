"""What a mail sink is told to do to its next clients, stage by stage."""

import re
import threading
from dataclasses import dataclass
from enum import StrEnum

from pushserver.sandbox.errors import BadSettingError
from pushserver.sandbox.faults import Countdown
from pushserver.sandbox.gate import Gate


class Stage(StrEnum):
    """Where in a session something happens; ``DATA`` is after the final dot."""

    GREETING = "GREETING"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens at a stage: ``reply`` instead of the usual one, ``drop`` closes, ``gate`` comes first."""

    reply: str | None = None
    drop: bool = False
    delay: float = 0.0
    gate: Gate | None = None


@dataclass(slots=True)
class _Scripted:
    stage: Stage
    mailbox: str | None
    reply: str | None
    countdown: Countdown

    def meets(self, stage: Stage, mailboxes: tuple[str, ...]) -> bool:
        return self.stage is stage and (self.mailbox is None or self.mailbox in mailboxes)


_REPLY = re.compile(r"[2-5]\d\d [^\r\n]+")


class MailScript:
    """The script of one sink. Set from any thread; read by its sessions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripted: list[_Scripted] = []
        self._gates: dict[Stage, Gate] = {}
        self._delay = 0.0

    def reply(self, stage: Stage, reply: str, mailbox: str | None, times: int | None) -> None:
        """Reply the next ``times`` (``None``: always) at ``stage`` with one line."""
        if not _REPLY.fullmatch(reply):
            raise BadSettingError(f"the reply {reply!r}; expected one line such as '550 5.1.1 no such user'")
        self._add(_Scripted(stage, _folded(mailbox), reply, Countdown(times)))

    def drop(self, stage: Stage, times: int | None) -> None:
        """Close the connection the next ``times`` instead of replying."""
        self._add(_Scripted(stage, None, None, Countdown(times)))

    def delay(self, seconds: float) -> None:
        """Reply so many seconds late after the final dot."""
        if seconds < 0:
            raise BadSettingError(f"a wait of {seconds} s; expected 0 or more")
        self._delay = seconds

    def hang(self, stage: Stage) -> None:
        """Say nothing at ``stage`` until :meth:`release`."""
        with self._lock:
            self._gates.setdefault(stage, Gate())

    def release(self) -> None:
        """Let every session go on."""
        with self._lock:
            gates, self._gates = self._gates, {}
        for gate in gates.values():
            gate.open()

    def clear(self) -> None:
        """End every fault."""
        self.release()
        with self._lock:
            self._scripted.clear()
            self._delay = 0.0

    def take(self, stage: Stage, mailboxes: tuple[str, ...] = ()) -> Step:
        """What happens now at ``stage``, to a mail for ``mailboxes``."""
        folded = tuple(mailbox.lower() for mailbox in mailboxes)
        delay = self._delay if stage is Stage.DATA else 0.0
        with self._lock:
            gate = self._gates.get(stage)
            for scripted in self._scripted:
                if scripted.meets(stage, folded) and scripted.countdown.take():
                    return Step(scripted.reply, scripted.reply is None, delay, gate)
        return Step(delay=delay, gate=gate)

    @property
    def active(self) -> tuple[str, ...]:
        """The names of the stages at which something is scripted."""
        with self._lock:
            stages = {scripted.stage for scripted in self._scripted if scripted.countdown.pending}
            stages |= self._gates.keys() | ({Stage.DATA} if self._delay else set())
        return tuple(stage.value for stage in Stage if stage in stages)

    def _add(self, scripted: _Scripted) -> None:
        with self._lock:
            self._scripted = [old for old in self._scripted if old.countdown.pending]
            self._scripted.append(scripted)


def _folded(mailbox: str | None) -> str | None:
    return None if mailbox is None else mailbox.lower()
