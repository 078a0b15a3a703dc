"""Progress as somebody outside the delivery actors asks for it."""

from pushserver.delivery import Progress, RetryRules, progress_of
from pushserver.domain import Delivered, StoredTask, Strategy, Target, TaskStatus, Transient
from tests.delivery.parts import DINGTALK, FEISHU, NOON, SYSTEM, a_channel, a_task, an_attempt

CHANNELS = (a_channel(FEISHU, "ab"), a_channel(DINGTALK, "cd"))
RULES = RetryRules(count=2, delay=5.0)
A, B = Target(FEISHU, "a"), Target(FEISHU, "b")
NOTICE = Target(SYSTEM, "s")


def test_a_task_that_nobody_has_begun_is_all_pending() -> None:
    stored = StoredTask(a_task(Strategy.ALL), TaskStatus.PENDING)
    assert progress_of(stored, CHANNELS, RULES, NOON.timestamp()) == Progress(4, 0, 0, 4)


def test_a_task_under_way_counts_what_waits_for_its_round() -> None:
    attempts = (an_attempt(A, Delivered()), an_attempt(B, Transient()))
    stored = StoredTask(a_task(Strategy.ALL), TaskStatus.PROCESSING, attempts)
    assert progress_of(stored, CHANNELS, RULES, NOON.timestamp()) == Progress(4, 1, 0, 3)


def test_a_task_that_has_ended_has_nothing_pending() -> None:
    attempts = (an_attempt(A, Transient()), an_attempt(B, Delivered()))
    stored = StoredTask(a_task(), TaskStatus.COMPLETED, attempts)
    assert progress_of(stored, CHANNELS, RULES, NOON.timestamp()) == Progress(2, 1, 1, 0)


def test_the_last_line_of_defence_does_not_count() -> None:
    alarm = an_attempt(NOTICE, Delivered(), fallback=True)
    stored = StoredTask(a_task(), TaskStatus.FAILED, (an_attempt(A, Transient()), alarm))
    assert progress_of(stored, CHANNELS, RULES, NOON.timestamp()) == Progress(1, 0, 1, 0)


def test_a_recipient_that_is_gone_leaves_the_counts_of_what_was_tried() -> None:
    stored = StoredTask(a_task(Strategy.ALL), TaskStatus.PROCESSING, (an_attempt(A, Delivered()),))
    assert progress_of(stored, (), RULES, NOON.timestamp()) == Progress(1, 1, 0, 0)
