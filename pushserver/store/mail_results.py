"""What the results of tries come to, given who was owed a mail before: pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pushserver.domain.mail import AccountCounts, Mail, MailCounts, MailResult, RecordMailResults
from pushserver.store.codec import storable


@dataclass(slots=True)
class Settlement:
    """What is to be written: ``rescheduled`` and ``finished`` are moments by the mail's id."""

    results: list[tuple[str, MailResult]] = field(default_factory=list)
    rescheduled: dict[str, datetime] = field(default_factory=dict)
    finished: dict[str, datetime] = field(default_factory=dict)
    dsns: list[Mail] = field(default_factory=list)
    counts: list[AccountCounts] = field(default_factory=list)


def settle(commands: Iterable[RecordMailResults], owed: Mapping[str, set[str]]) -> Settlement:
    """Decide about the commands in their order. ``owed``: who still waits, by mail; it is brought up to date.

    See :class:`RecordMailResults` for the rules.
    """
    settlement = Settlement()
    for command in commands:
        waiting = owed.get(command.mail_id, set())
        news = _news(command.results, waiting)
        if command.results and not news:
            continue
        settlement.results += [(command.mail_id, result) for result in news]
        if news and not waiting:
            settlement.finished[command.mail_id] = command.at
        elif command.next_try_at is not None:
            settlement.rescheduled[command.mail_id] = command.next_try_at
        settlement.dsns += command.dsns
        settlement.counts += command.counts
    return settlement


def _news(results: Iterable[MailResult], waiting: set[str]) -> list[MailResult]:
    """The results about those who wait; who does not any more is taken out."""
    news = []
    for result in results:
        address = storable(result.address)
        if address in waiting:
            news.append(result)
            if result.state.final:
                waiting.remove(address)
    return news


def total(counts: Iterable[AccountCounts]) -> dict[str, MailCounts]:
    """What is to be added to the counters of the accounts that have counted anything."""
    sent: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for added in counts:
        sent[added.account] += added.sent
        failed[added.account] += added.failed
    sums = {account: MailCounts(sent[account], failed[account]) for account in sent}
    return {account: counted for account, counted in sums.items() if any(counted)}
