"""One emulated robot in its group: settings, a script of faults, and the journal of what reached it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from pushserver.sandbox.answer import Answer, Reply, raw_answer
from pushserver.sandbox.errors import UndocumentedCodeError
from pushserver.sandbox.faults import Faults, Raw
from pushserver.sandbox.journal import KEEP, Arrival, Bell, Code, Journal
from pushserver.sandbox.rate import RateGauge
from pushserver.sandbox.request import Request
from pushserver.sandbox.vendor import Call, Refusal, Settings, Vendor, first_refusal, refusal_text

Clock = Callable[[], float]


class Robot:
    """A robot that answers as its platform would, unless told to do otherwise.

    Made by :class:`~pushserver.sandbox.Sandbox`; every method may be called from any thread.

    Attributes:
        token: what its webhook names it by; a notice's name.
        journal: everything that reached it.
    """

    def __init__(
        self,
        vendor: Vendor,
        token: str,
        settings: Settings,
        *,
        bell: Bell,
        clock: Clock,
        base: Callable[[], str],
        keep: int = KEEP,
    ) -> None:
        self.token = token
        self.journal: Journal[Arrival] = Journal(bell, keep)
        self._vendor = vendor
        self._settings = settings
        self._clock = clock
        self._base = base
        self._gauge = RateGauge()
        self._faults = Faults()

    def __repr__(self) -> str:
        return (
            f"<Robot {self.platform}: {self.journal.count} arrived, {self.journal.accepted_count} accepted>"
        )

    @property
    def platform(self) -> str:
        """``feishu``, ``dingtalk``, ``wechat`` or ``notice``."""
        return self._vendor.name

    @property
    def url(self) -> str:
        """The webhook, without a signature."""
        return self._base() + self._vendor.path(self.token)

    @property
    def settings(self) -> Settings:
        """How it is set up."""
        return self._settings

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of the faults that its next caller would meet."""
        return self._faults.active

    # what reached it

    @property
    def arrivals(self) -> list[Arrival]:
        """All calls that are kept, refused ones too, oldest first."""
        return self.journal.entries

    @property
    def messages(self) -> list[Arrival]:
        """The accepted calls that are kept, oldest first: what people in the group see."""
        return self.journal.accepted

    @property
    def count(self) -> int:
        """How many were accepted, forgotten ones too."""
        return self.journal.accepted_count

    def wait(self, count: int = 1, timeout: float = 5.0) -> list[Arrival]:
        """Wait until ``count`` messages were accepted and return them.

        Raises:
            NothingArrivedError: fewer were accepted within ``timeout`` seconds.
        """
        return self.journal.wait(count, timeout)

    def wait_for(self, predicate: Callable[[Journal[Arrival]], bool], timeout: float = 5.0) -> None:
        """Wait until ``predicate(journal)`` holds; it is asked again after every arrival.

        Raises:
            NothingArrivedError: it did not hold within ``timeout`` seconds.
        """
        self.journal.wait_for(predicate, timeout)

    def clear(self) -> None:
        """Forget what arrived."""
        self.journal.clear()

    # how it is set up

    def configure(self, **changes: Any) -> None:
        """Change fields of its :class:`~pushserver.sandbox.Settings`."""
        self._settings = replace(self._settings, **changes)

    def stop(self) -> None:
        """Disable it, as somebody in the group might."""
        self.configure(stopped=True)

    def start(self) -> None:
        """Enable it again."""
        self.configure(stopped=False)

    # faults on demand

    def fail(
        self, code: Code, times: int | None = 1, *, text: str | None = None, status: int | None = None
    ) -> None:
        """Answer the next ``times`` calls (``None``: all) with a platform's code, its words and its status.

        Raises:
            UndocumentedCodeError: the platform documents no such code, and ``text`` is not given.
        """
        documented = self._vendor.documented
        if text is None and code not in documented:
            known = ", ".join(map(str, documented))
            raise UndocumentedCodeError(
                f"{self.platform} documents no code {code!r}; expected one of {known}, or a text with it"
            )
        self._faults.script(Refusal(code, text, status), times)

    def answer(
        self,
        body: str | bytes | dict[str, Any],
        status: int = 200,
        times: int | None = 1,
        *,
        content_type: str | None = None,
        accepted: bool = False,
    ) -> None:
        """Answer the next ``times`` calls with anything at all: HTML, nothing, ``{}``, success under a 502.

        Text and bytes go as HTML, an object as JSON, unless ``content_type`` is given. ``accepted`` says
        whether the message is seen in the group all the same.
        """
        self._faults.script(Raw(raw_answer(body, status, content_type), accepted), times)

    def delay(self, seconds: float, times: int | None = None) -> None:
        """Answer the next ``times`` calls (``None``: all) so many seconds late; 0 ends it."""
        self._faults.delay(seconds, times)

    def drip(self, interval: float, times: int | None = None) -> None:
        """Send the next ``times`` answers byte by byte, ``interval`` seconds apart; 0 ends it."""
        self._faults.drip(interval, times)

    def drop(self, times: int | None = 1, *, unread: bool = False) -> None:
        """Close the connection instead of answering.

        By default the request is read, judged and put down in the journal first: the message has arrived and
        only the answer is lost. ``unread`` resets the connection before the body is read: nothing arrived.
        """
        self._faults.drop(times, unread=unread)

    def hang(self) -> None:
        """Take every call and hold its answer back until :meth:`release`."""
        self._faults.hang()

    def release(self) -> None:
        """Send the answers held back, and hold no more."""
        self._faults.release()

    def recover(self) -> None:
        """End every fault; what is held back goes out."""
        self._faults.clear()

    # serving

    def opens(self) -> bool:
        """Whether the next request is read at all."""
        return not self._faults.takes_unread_drop()

    def receive(self, request: Request) -> Reply:
        """Judge a call, put it down and say how to answer it."""
        call = Call(request, self._settings, self._gauge, self._clock())
        scripted, manner = self._faults.take()
        outcome = scripted or first_refusal(self._vendor, call)
        answer = self._conclude(call, outcome, answered=not manner.drop)
        return Reply(None if manner.drop else answer, manner.delay, manner.drip, manner.gate)

    def _conclude(self, call: Call, outcome: Refusal | Raw | None, *, answered: bool) -> Answer:
        if outcome is None:
            self._record(call, accepted=True, code=0, text="", answered=answered)
            return self._vendor.accept()
        if isinstance(outcome, Raw):
            self._record(
                call,
                accepted=outcome.accepted,
                code=outcome.answer.status,
                text="(scripted)",
                answered=answered,
            )
            return outcome.answer
        text = refusal_text(self._vendor, outcome)
        self._record(call, accepted=False, code=outcome.code, text=text, answered=answered)
        return self._vendor.refuse(outcome, text, call.request, call.now)

    def _record(self, call: Call, *, accepted: bool, code: Code, text: str, answered: bool) -> None:
        make = partial(
            Arrival,
            at=call.now,
            platform=self.platform,
            robot=self.token,
            accepted=accepted,
            code=code,
            text=text,
            payload=self._vendor.shown(call),
            size=len(call.request.body),
            peer=call.request.head.peer,
            headers=call.request.head.headers,
            answered=answered,
        )
        self.journal.record(make)
