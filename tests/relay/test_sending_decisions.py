"""The pure decisions of the sending side: schedule, choice of an account, reports."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from random import Random

import pytest

from pushserver.domain.mail import Mail, MailResult, MailState
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
