"""One SMTP account: spreads mails over its connections, rests when it fails, counts what it has done."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from actors import Actor, Context, Letter, Reason, Ref, Undelivered, receives
from pushserver.domain.breaker import Breaker, BreakerRules
from pushserver.domain.mail import MailError, MailErrorKind, MailReceipt, SubmitMail
from pushserver.relay.connection import LineEnded
from pushserver.relay.counting import counts_of
from pushserver.relay.roll import Roll
from pushserver.store import Receipts

_ILL = frozenset({MailErrorKind.UNREACHABLE, MailErrorKind.AUTH, MailErrorKind.BUSY})
"""What says something of the account, not of the mail."""


@dataclass(frozen=True, slots=True)
class UseLines:
    """The account has changed: it has so many connections now, 0 if it is gone."""

    count: int


@dataclass(slots=True)
class _Lines:
    """The connections, by name, that are free, and the mails that wait for one.

    ``count`` is how many there are; one that is busy and not among them any more ends with its mail.
    """

    count: int
    free: deque[str] = field(default_factory=deque)
    waiting: deque[Letter] = field(default_factory=deque)
    busy: dict[str, tuple[Letter, float]] = field(default_factory=dict)
    """What each has in hand, and since when (monotonic)."""


class Account(Actor):
    """Answers every mail with a :class:`MailReceipt`, from the server's mouth or, while resting, at once.

    ``store`` is told what to add to the counters, which survive everything, for mails that I am asked to
    send, and ``receipts`` that their results are the asker's to store; the queue, which tells me, stores both
    for its mails. ``on_receipt`` hears of every mail that a connection is done with, and of the seconds that
    it took; the ``roll`` says who rests.
    """

    def __init__(
        self,
        context: Context,
        *,
        connections: int,
        store: Ref,
        receipts: Receipts,
        rules: BreakerRules | None = None,
        roll: Roll | None = None,
        on_receipt: Callable[[MailReceipt, float], None] = lambda *_: None,
    ) -> None:
        super().__init__(context)
        self._name = context.address.name
        self._store = store
        self._receipts = receipts
        self._breaker = Breaker(rules or BreakerRules())
        self._roll = roll or Roll()
        self._on_receipt = on_receipt
        self._rules = rules or BreakerRules()
        self._lines = _Lines(0)
        self._add_lines(connections)

    @property
    def resting(self) -> bool:
        """Is the breaker open? For whoever looks from outside."""
        return self._breaker.is_open

    @receives(SubmitMail, brief=True)
    def submit(self, submit: SubmitMail) -> MailReceipt | None:
        """Send a mail over the next free connection, or refuse at once while resting."""
        now = self.context.clock.monotonic()
        if not self._breaker.admits(now):
            return self._refusal(submit, f"账户暂停使用，{self._breaker.remaining(now):.0f} 秒后再试")
        self._lines.waiting.append(self.defer())
        self._use_free_lines()
        self._end_if_gone()
        return None

    def _refusal(self, submit: SubmitMail, reason: str) -> MailReceipt:
        error = MailError(MailErrorKind.RESTING, None, reason)
        return MailReceipt(self._name, error=error, mail_id=submit.mail_id)

    @receives(LineEnded, brief=True)
    def line_ended(self, ended: LineEnded) -> None:
        """A connection has done its work."""
        if ended.line in self._lines.busy:
            self._settle_line(ended.line, ended.receipt)

    @receives(UseLines)
    def use_lines(self, use: UseLines) -> None:
        """What made me rest may be mended. What is in hand is finished; whoever is gone ends with that."""
        self._breaker = Breaker(self._rules)
        self._roll.note(self._name, resting=False)
        self._add_lines(use.count)
        self._use_free_lines()
        self._end_if_gone()

    def _add_lines(self, count: int) -> None:
        """Have ``count`` of them from now on."""
        lines, names = self._lines, [str(number) for number in range(1, count + 1)]
        lines.count = count
        lines.free = deque(name for name in names if name not in lines.busy)

    def _end_if_gone(self) -> None:
        lines = self._lines
        if lines.count:
            return
        for letter in lines.waiting:
            self.settle(letter, self._refusal(letter.message, "账户已从配置中删除"))
        lines.waiting.clear()
        if not lines.busy:
            self._roll.forget(self._name)
            self.stop()

    @receives(Undelivered, brief=True)
    def undelivered(self, notice: Undelivered) -> None:
        """A connection failed with a mail in its hands: what it did with it is unknown, if it had begun."""
        if not isinstance(notice.message, SubmitMail):
            return
        begun = notice.reason in {Reason.CRASHED, Reason.STUCK}
        kind = MailErrorKind.UNCERTAIN if begun else MailErrorKind.UNREACHABLE
        line = notice.address.name
        if line in self._lines.busy:
            error = MailError(kind, None, notice.detail)
            self._settle_line(line, MailReceipt(self._name, error=error, mail_id=notice.message.mail_id))

    def _use_free_lines(self) -> None:
        while self._lines.free and self._lines.waiting:
            line, letter = self._lines.free.popleft(), self._lines.waiting.popleft()
            self._lines.busy[line] = letter, self.context.clock.monotonic()
            self.tell(self.child(line), letter.message)

    def _settle_line(self, line: str, receipt: MailReceipt) -> None:
        letter, since = self._lines.busy.pop(line)
        if int(line) <= self._lines.count:
            self._lines.free.append(line)
        self._judge(receipt)
        self._roll.note(self._name, resting=self._breaker.is_open)
        self._on_receipt(receipt, self.context.clock.monotonic() - since)
        if letter.reply_to is not None:
            self._receipts.forget(receipt.mail_id, self._name)
            for counts in counts_of(receipt):
                self.tell(self._store, counts)
        self.settle(letter, receipt)
        self._use_free_lines()
        self._end_if_gone()

    def _judge(self, receipt: MailReceipt) -> None:
        if receipt.error is not None and receipt.error.kind in _ILL:
            self._breaker.failed(self.context.clock.monotonic())
        elif receipt.error is not None and receipt.error.kind is MailErrorKind.UNCERTAIN:
            self._breaker.unproven()
        else:
            self._breaker.succeeded()

    def on_start(self) -> None:
        """A new life has no breaker that is open."""
        self._roll.note(self._name, resting=False)

    def can_sleep(self) -> bool:
        """Not while resting: the rest would be forgotten."""
        return super().can_sleep() and not self._breaker.is_open
