"""The delivery of pushes: attempts and what became of them, retries, failovers, ends."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from pushserver.domain import VERDICTS, Attempt, PlatformName, Strategy, Task, TaskStatus
from pushserver.metrics.series import by_label, by_labels

_ATTEMPTS: Final = (
    "Attempts at targets, by verdict; not those of the last line of defence. endpoint_broken, refused_here, "
    "message_refused: mend that robot, mailbox or caller. transient, uncertain: look at network and vendor. "
    "rate_limited: spread the messages over more robots."
)
_ATTEMPT_SECONDS: Final = (
    "How long attempts took that were really made. Near queue.timeout: the vendor or the way to it is slow."
)
_ENDED: Final = (
    "Tasks that have ended. failed: nothing was delivered, and the last line of defence has been raised; "
    "look at the task's results."
)
_TASK_SECONDS: Final = (
    "From the acceptance of a push to the end of its task. Growing while attempts are quick: pushes wait for "
    "their turn or for a retry."
)
_FAILOVERS: Final = (
    "Next ones tried after a failure: another endpoint of the channel, or another channel of the recipient. "
    "Often: the first in the configuration is ill."
)
_ROUNDS: Final = "Further rounds after the first, for failures that pass. Often: look at network and vendor."
_NOTICES: Final = (
    "Notices of the last line of defence, by verdict. Any: a push has reached nobody. Not delivered: mend "
    "system.notifications, or nobody will hear of it."
)

_DIGESTS: Final = "Sends that carried several messages, because more came in than the endpoint may be sent."
_DIGESTED: Final = (
    "Messages that went out in digests. Always many: that channel needs more robots, or fewer callers."
)

ATTEMPT_BUCKETS: Final = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 10.0, 30.0)
"""Seconds. Vendors answer within a tenth; ``queue.timeout`` is 10 by default."""
TASK_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Seconds. A retry alone takes five, a rate limit a minute."""


class Failover(StrEnum):
    """What was gone over to."""

    ENDPOINT = "endpoint"
    CHANNEL = "channel"


class DeliveryMetrics:
    """Counts into ``registry``; without one, for itself. Safe to share between threads."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"pushserver_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, label: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"pushserver_{name}", text, (label,), buckets=buckets, registry=registry)

        verdicts, ends = tuple(VERDICTS), [status for status in TaskStatus if status.final]
        attempts = counter("attempts", _ATTEMPTS, "platform", "verdict")
        seconds = histogram("attempt_seconds", _ATTEMPT_SECONDS, "platform", ATTEMPT_BUCKETS)
        ended = counter("tasks_ended", _ENDED, "strategy", "status")
        task_seconds = histogram("task_seconds", _TASK_SECONDS, "strategy", TASK_BUCKETS)
        self._attempts = by_labels(attempts, PlatformName, verdicts)
        self._seconds = by_label(seconds, PlatformName)
        self._ended = by_labels(ended, Strategy, ends)
        self._task_seconds = by_label(task_seconds, Strategy)
        self._failovers = by_label(counter("failovers", _FAILOVERS, "to"), Failover)
        self._rounds = by_label(counter("retry_rounds", _ROUNDS, "strategy"), Strategy)
        self._digests = by_label(counter("digests", _DIGESTS, "platform"), PlatformName)
        self._digested = by_label(counter("digest_messages", _DIGESTED, "platform"), PlatformName)
        self._notices = by_label(counter("fallback_notices", _NOTICES, "verdict"), verdicts)

    def attempt(self, attempt: Attempt) -> None:
        """An attempt has been stored; one that took no time was judged without reaching anybody."""
        if attempt.fallback:
            self._notices[attempt.verdict.kind].inc()
            return
        platform = attempt.target.platform
        self._attempts[platform, attempt.verdict.kind].inc()
        if attempt.duration > 0:
            self._seconds[platform].observe(attempt.duration)

    def failover(self, to: Failover, times: int) -> None:
        """So many were begun because others had failed."""
        if times:
            self._failovers[to].inc(times)

    def digest(self, platform: PlatformName, messages: int) -> None:
        """One send carries so many."""
        self._digests[platform].inc()
        self._digested[platform].inc(messages)

    def round(self, strategy: Strategy) -> None:
        """A further round has begun."""
        self._rounds[strategy].inc()

    def ended(self, task: Task, status: TaskStatus, at: datetime) -> None:
        """A task has come to its end; clocks that were set back count as no time."""
        self._ended[task.strategy, status].inc()
        self._task_seconds[task.strategy].observe(max(0.0, (at - task.created_at).total_seconds()))
