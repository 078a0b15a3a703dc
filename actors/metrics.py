"""What a system's actors do, for Prometheus: computed when it is scraped, nothing is kept twice.

``REGISTRY.register(ActorCollector(system))`` is all it takes. Actors that are asleep have no series of their
own; what they did stays in the sums of their kind.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from actors.cell import BUCKETS, State
from actors.ledger import Totals
from actors.status import ActorStatus

if TYPE_CHECKING:
    from prometheus_client import Metric

    from actors.system import ActorSystem


class ActorCollector(Collector):
    """Collects from one system; names begin with ``prefix``.

    ===================================== ========= ====================================================
    ``{prefix}_messages_handled_total``   counter   messages that came to their end
    ``{prefix}_failures_total``           counter   lives that ended by a crash, or were replaced
    ``{prefix}_restarts_total``           counter   lives after the first
    ``{prefix}_busy_seconds``             summary   time spent on messages, and how many they were
    ``{prefix}_mailbox_messages``         gauge     messages of work that wait
    ``{prefix}_oldest_message_seconds``   gauge     how long the first of them has waited
    ``{prefix}_state``                    gauge     1 for the present ``state``; per kind: so many
    ``{prefix}_handling_seconds``         histogram per kind: from taking a message or batch to its end
    ===================================== ========= ====================================================

    Series carry ``process``, ``kind`` and ``actor`` (its address within the process). With
    ``per_actor=False`` there is one series a kind instead: sums, and the age of the oldest message of all.
    """

    def __init__(self, system: "ActorSystem", *, prefix: str = "actor", per_actor: bool = True) -> None:
        self._system = system
        self._prefix = prefix
        self._per_actor = per_actor

    def describe(self) -> Iterable["Metric"]:
        """Nothing: names are known without asking the actors."""
        return ()

    def collect(self) -> Iterator["Metric"]:
        """All families, from one look at the system."""
        statuses, totals = self._system.statuses(), self._system.ledger.totals()
        if self._per_actor:
            yield from self._families(("process", "kind", "actor"), self._rows_per_actor(statuses))
        else:
            yield from self._families(("process", "kind"), self._rows_per_kind(statuses, totals))
        yield self._histogram(totals)

    def _rows_per_actor(self, statuses: Sequence[ActorStatus]) -> list["_Row"]:
        return [
            _Row(
                labels=(self._system.process, status.kind, "/".join(status.address.path)),
                counts=status,
                waiting=status.mailbox,
                oldest=status.oldest,
                states=Counter([status.state]),
            )
            for status in statuses
        ]

    def _rows_per_kind(self, statuses: Sequence[ActorStatus], totals: Mapping[str, Totals]) -> list["_Row"]:
        awake: dict[str, list[ActorStatus]] = {kind: [] for kind in totals}
        for status in statuses:
            awake.get(status.kind, []).append(status)
        return [
            _Row(
                labels=(self._system.process, kind),
                counts=total,
                waiting=sum(status.mailbox for status in awake[kind]),
                oldest=max((status.oldest for status in awake[kind]), default=0.0),
                states=Counter(status.state for status in awake[kind]),
            )
            for kind, total in totals.items()
        ]

    def _families(self, labels: Sequence[str], rows: Sequence["_Row"]) -> Iterator["Metric"]:
        yield from self._counters(labels, rows)
        busy = SummaryMetricFamily(f"{self._prefix}_busy_seconds", _HELP["busy_seconds"], labels=labels)
        for row in rows:
            busy.add_metric(row.labels, row.counts.processed, row.counts.busy_seconds)
        yield busy
        yield from self._gauges(labels, rows)

    def _counters(self, labels: Sequence[str], rows: Sequence["_Row"]) -> Iterator["Metric"]:
        handled = self._counter("messages_handled", labels)
        failures = self._counter("failures", labels)
        restarts = self._counter("restarts", labels)
        for row in rows:
            handled.add_metric(row.labels, row.counts.processed)
            failures.add_metric(row.labels, row.counts.failures)
            restarts.add_metric(row.labels, row.counts.restarts)
        yield from (handled, failures, restarts)

    def _gauges(self, labels: Sequence[str], rows: Sequence["_Row"]) -> Iterator["Metric"]:
        waiting = self._gauge("mailbox_messages", labels)
        oldest = self._gauge("oldest_message_seconds", labels)
        states = self._gauge("state", (*labels, "state"))
        for row in rows:
            waiting.add_metric(row.labels, row.waiting)
            oldest.add_metric(row.labels, row.oldest)
            for state, amount in row.states.items():
                states.add_metric((*row.labels, state.value), amount)
        yield from (waiting, oldest, states)

    def _histogram(self, totals: Mapping[str, Totals]) -> "Metric":
        family = HistogramMetricFamily(
            f"{self._prefix}_handling_seconds",
            _HELP["handling_seconds"],
            labels=("process", "kind"),
        )
        for kind, total in totals.items():
            buckets = list(zip(_BOUNDS, accumulate(total.durations), strict=True))
            family.add_metric((self._system.process, kind), buckets, total.busy_seconds)
        return family

    def _counter(self, name: str, labels: Sequence[str]) -> CounterMetricFamily:
        return CounterMetricFamily(f"{self._prefix}_{name}", _HELP[name], labels=labels)

    def _gauge(self, name: str, labels: Sequence[str]) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{self._prefix}_{name}", _HELP[name], labels=labels)


_HELP = {
    "messages_handled": "Messages that came to their end. None while some wait: it hangs, or is parked.",
    "failures": "Lives that ended by a crash, or were replaced. Growing: see its last error, and the log.",
    "restarts": "Lives after the first, those that an operator asked for as well.",
    "busy_seconds": "Time spent on messages, and how many. A rate near 1: it is busy all the time.",
    "mailbox_messages": "Messages of work that wait. Growing: it is slower than what comes in.",
    "oldest_message_seconds": "How long the first of them has waited. Minutes: look at its state.",
    "state": "1 for the present state; per kind, so many are in it. Long not running: see its last error.",
    "handling_seconds": "From taking a message, or a batch, to its end. Slow: look at what it talks to.",
}
_BOUNDS = (*(str(bound) for bound in BUCKETS), "+Inf")


class _Counts(Protocol):
    """What an actor and a kind both count."""

    @property
    def processed(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def restarts(self) -> int: ...
    @property
    def busy_seconds(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Row:
    """One actor's, or one kind's, values."""

    labels: tuple[str, ...]
    counts: _Counts
    waiting: int
    oldest: float
    states: Counter[State]
