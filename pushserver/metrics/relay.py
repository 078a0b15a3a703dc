"""The relay: its door, its queue, and what its accounts have submitted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from pushserver.domain import PushServerError
from pushserver.domain.mail import MailBacklog, MailErrorKind, MailReceipt
from pushserver.metrics.series import by_label, by_labels

DELIVERED: Final = "delivered"
REFUSED: Final = "refused"
"""Every recipient was refused."""
RESULTS: Final = (
    DELIVERED,
    REFUSED,
    *(kind.value for kind in MailErrorKind if kind is not MailErrorKind.RESTING),
)
"""A resting account submits nothing."""

_SUBMISSIONS: Final = (
    "Mails that an account has submitted, pushes by e-mail too, by what came of it. unreachable, auth: mend "
    "that account. busy: raise its connections. uncertain: its server does not answer. Others: ask who sends."
)
_SECONDS: Final = (
    "How long mails took on the connections of an account. Near its timeout: its server is slow."
)
SUBMISSION_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds. Providers take tenths for a mail over a kept connection, seconds for a new one."""


class RelayMetrics:
    """Counts into ``registry``; without one, for itself. Safe to share between threads."""

    def __init__(self, accounts: Iterable[str], registry: CollectorRegistry | None = None) -> None:
        self._submissions: dict[tuple[str, ...], Counter] = {}
        self._seconds: dict[str, Histogram] = {}
        self._all_submissions = Counter(
            "pushserver_relay_submissions", _SUBMISSIONS, ("account", "result"), registry=registry
        )
        self._all_seconds = Histogram(
            "pushserver_relay_submission_seconds",
            _SECONDS,
            ("account",),
            buckets=SUBMISSION_BUCKETS,
            registry=registry,
        )
        self.know(accounts)

    def know(self, accounts: Iterable[str]) -> None:
        """Count for these, too; once known, an account keeps its counters."""
        names = [account for account in accounts if account not in self._seconds]
        self._submissions |= by_labels(self._all_submissions, names, RESULTS)
        self._seconds |= by_label(self._all_seconds, names)

    def submitted(self, receipt: MailReceipt, seconds: float) -> None:
        """A connection is done with a mail, after so many seconds."""
        self._submissions[receipt.account, _result(receipt)].inc()
        self._seconds[receipt.account].observe(seconds)


def _result(receipt: MailReceipt) -> str:
    if receipt.error is not None:
        return receipt.error.kind.value
    return DELIVERED if receipt.accepted else REFUSED


class DoorTally(Protocol):
    """What the SMTP door has seen in this life of the process."""

    @property
    def connections(self) -> int:
        """Open now."""

    @property
    def connected(self) -> int:
        """Ever."""

    @property
    def turned_away(self) -> int:
        """For want of room."""

    @property
    def auth_failures(self) -> int:
        """Failed logins."""

    @property
    def accepted(self) -> int:
        """Mails that were stored."""

    @property
    def duplicates(self) -> int:
        """Mails sent again that were stored already."""

    @property
    def refused(self) -> int:
        """Mails refused after their content."""


class RelayCollector(Collector):
    """Looks at door, queue and accounts when it is scraped.

    ``resting`` is whether each account rests, by name; while the store cannot say what ``backlog`` there is,
    there is no sample of the queue rather than a wrong one. ``now`` is aware.
    """

    def __init__(
        self,
        *,
        tally: DoorTally,
        backlog: Callable[[], MailBacklog],
        resting: Callable[[], Mapping[str, bool]],
        now: Callable[[], datetime],
    ) -> None:
        self._tally = tally
        self._backlog = backlog
        self._resting = resting
        self._now = now

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names are known without asking."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        yield from self._door()
        yield from self._queue()
        accounts = GaugeMetricFamily(
            "pushserver_relay_account_resting",
            "1 while the account rests because it failed again and again, else 0. At 1 for minutes: mend it.",
            labels=("account",),
        )
        for account, rests in self._resting().items():
            accounts.add_metric((account,), int(rests))
        yield accounts

    def _door(self) -> Iterator[Metric]:
        tally = self._tally
        yield GaugeMetricFamily(
            "pushserver_relay_connections",
            "Open SMTP connections. At smtp_relay.limits.connections: raise it, or ask who keeps so many.",
            tally.connections,
        )
        yield CounterMetricFamily(
            "pushserver_relay_connections_accepted",
            "SMTP connections that were taken. None for long where there should be some: ask the clients.",
            tally.connected,
        )
        yield CounterMetricFamily(
            "pushserver_relay_connections_turned_away",
            "SMTP connections for which there was no room. Any: look at smtp_relay.limits and who connects.",
            tally.turned_away,
        )
        yield CounterMetricFamily(
            "pushserver_relay_auth_failures",
            "Failed logins. Often: somebody tries passwords; the log has the addresses.",
            tally.auth_failures,
        )
        yield CounterMetricFamily(
            "pushserver_relay_mails_accepted",
            "Mails that were stored and answered with 250.",
            tally.accepted,
        )
        yield CounterMetricFamily(
            "pushserver_relay_mails_repeated",
            "Mails that clients sent again because they had not heard the 250; sent on once. Often: look at "
            "the network in between.",
            tally.duplicates,
        )
        yield CounterMetricFamily(
            "pushserver_relay_mails_refused",
            "Mails that were refused after their content: too large, in a loop, or no room. Look at the "
            "clients, and at disk and smtp_relay.limits.",
            tally.refused,
        )

    def _queue(self) -> Iterator[Metric]:
        mails = GaugeMetricFamily(
            "pushserver_relay_queue_mails",
            "Mails that are not finished. Growing: accounts rest or are too few.",
        )
        oldest = GaugeMetricFamily(
            "pushserver_relay_queue_oldest_seconds",
            "Age of the oldest mail that is not finished, 0 for none. Hours: its recipients' server, or all "
            "accounts, put it off.",
        )
        with suppress(PushServerError):  # refusals and /health tell of the outage
            backlog = self._backlog()
            mails.add_metric((), backlog.waiting)
            age = (self._now() - backlog.oldest).total_seconds() if backlog.oldest else 0.0
            oldest.add_metric((), max(0.0, age))
        yield mails
        yield oldest
