"""The record of one attempt at one target; a task's fate is nothing but the list of its attempts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pushserver.domain.push import PlatformName, Task
from pushserver.domain.verdict import Verdict


class Target(NamedTuple):
    """Names one endpoint of a recipient: the unit that an attempt is made at."""

    platform: PlatformName
    name: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt and its verdict.

    ``round`` counts the passes over the plan and ``number`` the attempts at this target in this task, both
    from 1. ``started_at`` is aware, UTC; ``duration`` is seconds. ``fallback`` marks the last line of
    defence. ``only`` names the mailboxes that this attempt was for, when it was not for all of them.
    ``digest`` is how many messages the one send carried, where it carried several.
    """

    task_id: str
    target: Target
    round: int
    number: int
    verdict: Verdict
    started_at: datetime
    duration: float
    fallback: bool = False
    only: tuple[str, ...] = ()
    digest: int = 0


class TaskStatus(StrEnum):
    """Where a task stands; the last two are final."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """True once the task's fate is decided."""
        return self in {TaskStatus.COMPLETED, TaskStatus.FAILED}


class Fallback(StrEnum):
    """The stored intent of the last line of defence: owed once a task has failed, then done."""

    NONE = "none"
    OWED = "owed"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A task as the store knows it: enough to resume it anywhere.

    ``resumptions`` counts, for a target, how often a process died with this task's attempt in its hands.
    """

    task: Task
    status: TaskStatus
    attempts: tuple[Attempt, ...] = ()
    completed_at: datetime | None = None
    fallback: Fallback = Fallback.NONE
    resumptions: Mapping[Target, int] = field(default_factory=dict)
