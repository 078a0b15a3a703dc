"""How far a stored task is, for whoever asks from outside the delivery actors. Pure."""

from collections.abc import Sequence

from pushserver.delivery.course import Course, Progress, RetryRules
from pushserver.delivery.plan import HasTargets, plan_of
from pushserver.domain import StoredTask


def progress_of(
    stored: StoredTask, channels: Sequence[HasTargets], rules: RetryRules, now: float
) -> Progress:
    """The counts of a task, worked out from its attempts by the same course that runs it.

    ``channels`` are the recipient's of today, ``now`` seconds since the epoch.
    """
    attempts = [attempt for attempt in stored.attempts if not attempt.fallback]
    course = Course(plan_of(stored, channels), rules, attempts)
    if not stored.status.final:
        course.begin(now, lambda: 0.0)
    return course.progress
