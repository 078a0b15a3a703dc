"""The three routes of ``/api/v1/smtp-relay/queue``."""

from datetime import UTC, datetime
from typing import Any

import pytest
from falcon import testing

from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import ListedMail, MailPage, MailRecipient, MailState
from tests.api.api_parts import Parts

QUEUE = "/api/v1/smtp-relay/queue"
RETRY, DROP = f"{QUEUE}/retry", f"{QUEUE}/drop"

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
MAIL = ListedMail(
    id="mail_20240101_120000_abc",
    sender="",
    recipients=(
        MailRecipient("ann@corp.example", MailState.WAITING, 2, 451, "4.7.1 greylisted", "main"),
        MailRecipient("bob@corp.example"),
    ),
    received_at=NOON,
    size=1234,
    subject="卡纸",
    message_id="<1@example.org>",
    next_try_at=NOON,
    finished_at=None,
    notified=True,
    is_dsn=False,
)


def test_a_mail_is_shown_with_what_every_recipient_waits_for(
    client: testing.TestClient, parts: Parts
) -> None:
    parts.relay.page = MailPage((MAIL,), 7)
    assert client.simulate_get(QUEUE).json == {
        "code": 200,
        "message": "获取SMTP中继队列成功",
        "data": {
            "mails": [
                {
                    "id": "mail_20240101_120000_abc",
                    "from": "",
                    "subject": "卡纸",
                    "size": 1234,
                    "received_at": "2024-01-01T12:00:00Z",
                    "next_try_at": "2024-01-01T12:00:00Z",
                    "finished_at": None,
                    "notified": True,
                    "is_dsn": False,
                    "recipients": [
                        {
                            "email": "ann@corp.example",
                            "state": "waiting",
                            "tries": 2,
                            "code": 451,
                            "reason": "4.7.1 greylisted",
                            "account": "main",
                        },
                        {
                            "email": "bob@corp.example",
                            "state": "waiting",
                            "tries": 0,
                            "code": None,
                            "reason": None,
                            "account": None,
                        },
                    ],
                }
            ],
            "pagination": {"total": 7, "limit": 50, "offset": 0, "count": 1},
        },
    }


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", (MailState.WAITING, 50, 0)),
        ("state=all", (None, 50, 0)),
        ("state=bounced&limit=3&offset=9", (MailState.BOUNCED, 3, 9)),
    ],
)
def test_the_mails_that_wait_are_meant_unless_another_state_is_named(
    client: testing.TestClient, parts: Parts, query: str, asked: tuple[Any, ...]
) -> None:
    client.simulate_get(QUEUE, query_string=query)
    assert parts.relay.asked == [("mails", *asked)]


def test_a_state_that_there_is_not_is_refused(client: testing.TestClient) -> None:
    answer = client.simulate_get(QUEUE, query_string="state=lost")
    assert answer.status_code == 400
    assert "waiting, delivered, bounced, expired, dropped, all" in answer.json["message"]


@pytest.mark.parametrize(
    ("path", "mail_ids", "asked"),
    [
        (RETRY, ["a", "b"], ("retry", ("a", "b"))),
        (RETRY, "all", ("retry", None)),
        (DROP, ["a", "b"], ("drop", ("a", "b"))),
    ],
)
def test_mails_are_tried_again_or_given_up(
    client: testing.TestClient, parts: Parts, path: str, mail_ids: Any, asked: tuple[Any, ...]
) -> None:
    answer = client.simulate_post(path, json={"mail_ids": mail_ids})
    counted = "retried_count" if path == RETRY else "dropped_count"
    assert (answer.status_code, answer.json["data"]) == (200, {counted: 2})
    assert parts.relay.asked == [asked]


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        (RETRY, [], '需要JSON对象，如 {"mail_ids": ["mail_…"]}'),
        (RETRY, {}, "mail_ids 缺少必填字段"),
        (DROP, {"mail_id": ["a"]}, "mail_ids 缺少必填字段（收到了 mail_id，是否想写 mail_ids？）"),
        (RETRY, {"mail_ids": []}, 'mail_ids 必须是 1 到 1000 个邮件ID的数组，或 "all"'),
        (DROP, {"mail_ids": "all"}, "mail_ids 必须是 1 到 1000 个邮件ID的数组"),
        (DROP, {"mail_ids": ["a"] * 1001}, "mail_ids 必须是 1 到 1000 个邮件ID的数组"),
        (DROP, {"mail_ids": ["a", 7]}, "mail_ids 必须是 1 到 1000 个邮件ID的数组"),
        (DROP, {"mail_ids": ["a\u0000"]}, "mail_ids 必须是 1 到 1000 个邮件ID的数组"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    client: testing.TestClient, parts: Parts, path: str, body: Any, why: str
) -> None:
    answer = client.simulate_post(path, json=body)
    assert (answer.status_code, answer.json["message"]) == (400, f"请求参数错误: {why}")
    assert parts.relay.asked == []


@pytest.mark.parametrize("path", [RETRY, DROP])
def test_without_a_relay_it_is_a_503(client: testing.TestClient, parts: Parts, path: str) -> None:
    parts.relay.trouble = StoreUnavailable("nobody relays mails")
    assert client.simulate_post(path, json={"mail_ids": ["a"]}).status_code == 503
    assert client.simulate_get(QUEUE).status_code == 503
