"""What people are told of a mail in trouble."""

from datetime import UTC, datetime

from pushserver.domain import Level
from pushserver.domain.mail import MailResult, MailState
from pushserver.relay.notice import notice_of
from pushserver.relay.queue import Trouble
from tests.store.mail_samples import ANN, BOB, a_mail

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
GREYLISTED = MailResult(ANN, MailState.WAITING, 451, "4.7.1 greylisted", "main")


def test_it_names_recipients_subject_and_errors() -> None:
    mail = a_mail("m1", ANN, BOB, sender="printer@example.org")
    results = (GREYLISTED, MailResult(BOB, MailState.WAITING, None, "邮件服务器拒绝连接", "spare"))
    notice = notice_of(Trouble(mail, results, expired=False), "notify_1", NOON)
    said = notice.notification
    assert (said.id, said.task_id, said.level) == ("notify_1", "m1", Level.ERROR)
    assert (said.title, said.reason) == (
        "SMTP中继发送失败",
        "所有SMTP账户均发送失败，邮件保留在队列中继续重试",
    )
    assert notice.recipient == f"{ANN}, {BOB}"
    assert said.text.splitlines() == [
        f"收件人: {ANN}, {BOB}",
        f"主题: {mail.subject}",
        "发件人: printer@example.org",
        "失败原因: 所有SMTP账户均发送失败，邮件保留在队列中继续重试",
        "邮件ID: m1",
        f"时间: {NOON.astimezone():%Y-%m-%d %H:%M:%S}",
        "错误:",
        f"- {ANN}: main: 451 4.7.1 greylisted",
        f"- {BOB}: spare: 邮件服务器拒绝连接",
    ]


def test_the_end_of_a_mail_is_another_notice() -> None:
    said = notice_of(Trouble(a_mail("m1", ANN), (GREYLISTED,), expired=True), "notify_2", NOON).notification
    assert said.task_id == "m1-expired"
    assert said.reason == "邮件超过最长重试时间，已放弃并退回发件人"


def test_without_any_account_that_is_the_error() -> None:
    results = (MailResult(ANN, MailState.WAITING),)
    said = notice_of(Trouble(a_mail("m1", ANN, sender=""), results, expired=False), "n", NOON).notification
    assert said.text.endswith(f"错误:\n- {ANN}: 没有可用的SMTP账户")
    assert "发件人: <>" in said.text


def test_thousands_of_recipients_are_not_all_named() -> None:
    results = tuple(MailResult(f"r{number}@x.example", MailState.WAITING) for number in range(2000))
    notice = notice_of(Trouble(a_mail("m1", ANN), results, expired=False), "n", NOON)
    assert notice.recipient.endswith("r9@x.example 等 2000 个")
    assert notice.notification.text.endswith("- …另有 1990 个收件人")
    assert len(notice.notification.text) < 2000
