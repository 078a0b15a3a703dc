"""The pure decisions of the sending side: breaker, schedule, choice of an account, reports."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from random import Random

import pytest

from pushserver.domain.mail import Mail, MailResult, MailState
from pushserver.relay.breaker import Breaker, BreakerRules
from pushserver.relay.dsn import Reporter, owes_report, report
from pushserver.relay.schedule import expired, next_try
from pushserver.relay.selection import choose

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ORIGINAL = b"Subject: =?utf-8?B?5ZGK6K2m?=\r\nX-Odd: \xff\r\n\r\nbody that stays here\r\n"
MAIL = Mail(
    "mail_1",
    "sender@example.com",
    ("a@example.com",),
    NOON,
    len(ORIGINAL),
    "告警",
    "<1@example.com>",
    ORIGINAL,
)


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_probe_through() -> None:
    breaker = Breaker(BreakerRules(failures=3, first=5.0, ceiling=300.0))
    for _ in range(2):
        breaker.failed(0.0)
        assert breaker.admits(0.0)
    breaker.failed(0.0)
    assert breaker.is_open
    assert not breaker.admits(4.9)
    assert breaker.remaining(1.0) == 4.0
    assert breaker.admits(5.0)
    assert not breaker.admits(5.0), "the probe is under way"


def test_a_probe_decides_and_rests_grow_up_to_the_ceiling() -> None:
    breaker = Breaker(BreakerRules(failures=1, first=5.0, ceiling=12.0))
    now = 0.0
    breaker.failed(now)
    for rest in (5.0, 10.0, 12.0, 12.0):
        assert breaker.remaining(now) == rest
        now += rest
        assert breaker.admits(now)
        breaker.failed(now)
    breaker.succeeded()
    assert not breaker.is_open
    breaker.failed(now)
    assert breaker.remaining(now) == 5.0, "a success ends the series"


def test_failures_of_what_was_under_way_do_not_lengthen_the_rest() -> None:
    breaker = Breaker(BreakerRules(failures=1, first=5.0))
    for _ in range(4):
        breaker.failed(0.0)
    assert breaker.remaining(0.0) == 5.0


def test_a_success_in_between_keeps_the_breaker_closed() -> None:
    breaker = Breaker(BreakerRules(failures=2))
    for _ in range(10):
        breaker.failed(0.0)
        breaker.succeeded()
    assert not breaker.is_open


@pytest.mark.parametrize(("passes", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (80, 60)])
def test_a_mail_is_tried_again_after_growing_gaps(passes: int, minutes: int) -> None:
    assert next_try(passes, NOON, lambda: 0.0) == NOON + timedelta(minutes=minutes)
    assert next_try(passes, NOON, lambda: 1.0) == NOON + timedelta(minutes=minutes) * 1.1


def test_a_mail_expires_when_it_has_been_tried_for_long_enough() -> None:
    age = timedelta(days=3)
    assert not expired(NOON, age, NOON + age - timedelta(seconds=1))
    assert expired(NOON, age, NOON + age)


def test_accounts_are_chosen_by_weight_among_those_left() -> None:
    chance = Random(1).random
    chosen = Counter(choose({"a": 3, "b": 1, "c": 4}, {"c"}, chance) for _ in range(4000))
    assert set(chosen) == {"a", "b"}
    assert 2.6 < chosen["a"] / chosen["b"] < 3.5


def test_no_account_left_is_no_choice() -> None:
    assert choose({"a": 1}, {"a"}, lambda: 0.5) is None
    assert choose({}, (), lambda: 0.0) is None


def test_a_report_names_each_recipient_for_people_and_for_machines() -> None:
    failed = (
        MailResult("a@example.com", MailState.BOUNCED, 550, "5.1.1 No such user 无此人", "main"),
        MailResult("b@example.com", MailState.EXPIRED, 451, "greylisted", "main"),
    )
    made = report(MAIL, ORIGINAL, failed, Reporter("relay.example.com", "postmaster@example.com"), NOON)
    assert (made.sender, made.recipients) == ("", ("sender@example.com",))
    assert isinstance(made.content, bytes)
    message = message_from_bytes(made.content, policy=default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Auto-Submitted"] == "auto-replied"
    text, status, header = message.iter_parts()
    assert "<a@example.com>: refused for good (550 5.1.1 No such user 无此人)" in text.get_content()
    blocks = [dict(block.items()) for block in status.walk() if block is not status]
    assert blocks[0]["Reporting-MTA"] == "dns; relay.example.com"
    assert (blocks[1]["Final-Recipient"], blocks[1]["Action"], blocks[1]["Status"]) == (
        "rfc822; a@example.com",
        "failed",
        "5.1.1",
    )
    assert blocks[2]["Status"] == "4.4.7"
    assert "=?utf-8?B?5ZGK6K2m?=" in header.get_content()
    assert b"body that stays here" not in made.content


def test_nobody_is_told_of_a_report_or_of_a_mail_without_a_sender() -> None:
    assert owes_report("sender@example.com", is_dsn=False)
    assert not owes_report("", is_dsn=False)
    assert not owes_report("sender@example.com", is_dsn=True)
