import ssl
from collections.abc import Iterator
from datetime import datetime

import pytest

from pushserver.domain import (
    Delivered,
    EndpointBroken,
    MessageRefused,
    RefusedMailbox,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.platforms.email import MAX_RECIPIENTS, Email, Mailbox
from pushserver.platforms.errors import (
    AnswerLost,
    Misconfigured,
    NotSent,
    PlatformError,
    SmtpRefused,
    Stage,
)
from pushserver.platforms.scrub import Scrubber
from pushserver.platforms.smtp import Envelope, Receipt, Refusal, Security, SmtpAccount, SmtpServer
from tests.platforms.deliveries import delivery
from tests.platforms.mail_server import PASSWORD, USER, Inbox, MailServer, receiving, starttls
from tests.platforms.raw_server import unused_port

ADMIN, OPS, DEV = "admin@corp.example", "ops@corp.example", "dev@corp.example"
MAILBOXES = (Mailbox(ADMIN, "系统管理员"), Mailbox(OPS, "运维团队"), Mailbox(DEV))


def email_to(server: MailServer | int, mailboxes: tuple[Mailbox, ...] = MAILBOXES) -> Email:
    port = server if isinstance(server, int) else server.port
    account = SmtpAccount(SmtpServer("127.0.0.1", port, security=Security.CLEAR, timeout=5.0))
    return Email("email", "告警 <noreply@corp.example>", mailboxes, account, Scrubber(PASSWORD))


class ScriptedMailer:
    """A mailer whose outcomes are given: receipts, or errors to raise."""

    def __init__(self, *outcomes: Receipt | PlatformError) -> None:
        self._outcomes: Iterator[Receipt | PlatformError] = iter(outcomes)
        self.envelopes: list[Envelope] = []
        self.closed = False

    def submit(self, envelope: Envelope, at: datetime) -> Receipt:
        self.envelopes.append(envelope)
        outcome = next(self._outcomes)
        if isinstance(outcome, PlatformError):
            raise outcome
        return outcome

    def close(self) -> None:
        self.closed = True


def email_through(mailer: ScriptedMailer, mailboxes: tuple[Mailbox, ...] = MAILBOXES) -> Email:
    return Email("email", "noreply@corp.example", mailboxes, mailer, Scrubber(PASSWORD))


def test_one_mail_reaches_all_mailboxes() -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        email = email_to(server)
        assert email.deliver(delivery("磁盘", "满了")) == Delivered()
        email.close()
    assert inbox.senders == ["noreply@corp.example"]
    assert inbox.recipients == [[ADMIN, OPS, DEV]]
    mail = inbox.mail()
    assert mail["Subject"] == "[错误] 磁盘"
    assert mail["To"] == f"系统管理员 <{ADMIN}>, 运维团队 <{OPS}>, {DEV}"


def test_some_refused_for_good_and_some_for_now_is_a_delivery_that_remembers_them() -> None:
    inbox = Inbox(recipient_replies={OPS: "550 5.1.1 no such user", DEV: "451 greylisted"})
    with receiving(inbox) as server:
        email = email_to(server)
        verdict = email.deliver(delivery())
        email.close()
    assert verdict == Delivered(
        refused=(RefusedMailbox(OPS, 550, "5.1.1 no such user"),),
        deferred=(DEV,),
    )
    assert inbox.recipients == [[ADMIN]]


def test_only_the_owed_mailboxes_are_asked_again_with_the_same_mail() -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        email = email_to(server)
        email.deliver(delivery())
        assert email.deliver(delivery(only=(DEV,))) == Delivered()
        email.close()
    assert inbox.recipients == [[ADMIN, OPS, DEV], [DEV]]
    first, second = (content.partition(b"Message-ID: ")[2].split(b"\r\n")[0] for content in inbox.contents)
    assert first == second


@pytest.mark.parametrize(
    ("replies", "verdict"),
    [
        (("450 later", "451 later", "452 full"), Transient(code=450, detail="later")),
        (("550 unknown", "551 moved", "553 bad"), MessageRefused(code=550, detail="unknown")),
        (("550 unknown", "451 later", "550 unknown"), Transient(code=451, detail="later")),
        (("530 login first", "530 login first", "530 login first"), EndpointBroken),
    ],
)
def test_nobody_accepted(replies: tuple[str, str, str], verdict: Verdict | type[Verdict]) -> None:
    inbox = Inbox(recipient_replies=dict(zip((ADMIN, OPS, DEV), replies, strict=True)))
    with receiving(inbox) as server:
        email = email_to(server)
        got = email.deliver(delivery())
        email.close()
    assert type(got) is verdict if isinstance(verdict, type) else got == verdict
    assert inbox.contents == []


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (NotSent("邮件服务器拒绝连接"), Transient(detail="邮件服务器拒绝连接")),
        (AnswerLost("中断"), Uncertain(detail="中断")),
        (Misconfigured("TLS证书校验失败: x"), EndpointBroken(detail="TLS证书校验失败: x")),
        (SmtpRefused(Stage.GREETING, 421, "busy"), Transient(code=421, detail="busy")),
        (SmtpRefused(Stage.GREETING, 554, "go away"), EndpointBroken(code=554, detail="go away")),
        (SmtpRefused(Stage.AUTH, 535, "bad"), EndpointBroken(code=535, detail="bad")),
        (SmtpRefused(Stage.AUTH, 534, "weak"), EndpointBroken(code=534, detail="weak")),
        (SmtpRefused(Stage.AUTH, 454, "later"), Transient(code=454, detail="later")),
        (SmtpRefused(Stage.SENDER, 530, "login"), EndpointBroken(code=530, detail="login")),
        (SmtpRefused(Stage.SENDER, 550, "not yours"), EndpointBroken(code=550, detail="not yours")),
        (SmtpRefused(Stage.SENDER, 552, "too big"), MessageRefused(code=552, detail="too big")),
        (SmtpRefused(Stage.SENDER, 451, "later"), Transient(code=451, detail="later")),
        (SmtpRefused(Stage.CONTENT, 554, "spam"), MessageRefused(code=554, detail="spam")),
        (SmtpRefused(Stage.CONTENT, 535, "login"), EndpointBroken(code=535, detail="login")),
        (SmtpRefused(Stage.CONTENT, 452, "full"), Transient(code=452, detail="full")),
    ],
)
def test_each_failure_has_its_verdict(error: PlatformError, verdict: Verdict) -> None:
    assert email_through(ScriptedMailer(error)).deliver(delivery()) == verdict


def test_a_lost_answer_on_a_real_connection_is_uncertain() -> None:
    with receiving(Inbox(content_reply="")) as server:
        assert isinstance(email_to(server).deliver(delivery()), Uncertain)


def test_a_dead_server_is_transient() -> None:
    assert isinstance(email_to(unused_port()).deliver(delivery()), Transient)


def test_a_server_without_starttls_is_an_account_to_mend() -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        account = SmtpAccount(SmtpServer("127.0.0.1", server.port, security=Security.STARTTLS, timeout=5.0))
        email = Email("email", "noreply@corp.example", MAILBOXES, account, Scrubber())
        verdict = email.deliver(delivery())
    assert isinstance(verdict, EndpointBroken)
    assert inbox.contents == []


def test_a_wrong_password_is_an_account_to_mend(server_tls: ssl.SSLContext, ca_file: str) -> None:
    with receiving(Inbox(), **starttls(server_tls)) as server:
        settings = SmtpServer("127.0.0.1", server.port, username=USER, password="wrong", ca_file=ca_file)
        email = Email("email", "noreply@corp.example", MAILBOXES, SmtpAccount(settings), Scrubber("wrong"))
        verdict = email.deliver(delivery())
    assert isinstance(verdict, EndpointBroken)
    assert verdict.code == 535


def test_an_echoed_password_is_not_passed_on() -> None:
    receipt = Receipt((ADMIN,), {OPS: Refusal(550, f"no {PASSWORD}")})
    verdict = email_through(ScriptedMailer(receipt)).deliver(delivery())
    assert verdict == Delivered(refused=(RefusedMailbox(OPS, 550, "no ***"),))
    refusal = SmtpRefused(Stage.AUTH, 535, f"bad {PASSWORD}")
    assert email_through(ScriptedMailer(refusal)).deliver(delivery()).detail == "bad ***"


def test_a_domain_in_chinese_is_written_by_idna() -> None:
    mailer = ScriptedMailer(Receipt(("ops@xn--fsqu00a.xn--fiqs8s",), {}))
    email = email_through(mailer, (Mailbox("ops@例子.中国"),))
    assert email.deliver(delivery()) == Delivered()
    assert mailer.envelopes[0].recipients == ("ops@xn--fsqu00a.xn--fiqs8s",)


def test_refusals_name_the_mailbox_as_configured() -> None:
    receipt = Receipt((ADMIN,), {"ops@xn--fsqu00a.xn--fiqs8s": Refusal(450, "later")})
    email = email_through(ScriptedMailer(receipt), (Mailbox(ADMIN), Mailbox("ops@例子.中国")))
    assert email.deliver(delivery()) == Delivered(deferred=("ops@例子.中国",))


def test_an_address_that_cannot_be_used_does_not_keep_the_others_from_their_mail() -> None:
    mailer = ScriptedMailer(Receipt((ADMIN,), {}))
    verdict = email_through(mailer, (Mailbox("用户@corp.example"), Mailbox(ADMIN))).deliver(delivery())
    assert verdict == Delivered(
        refused=(RefusedMailbox("用户@corp.example", None, "邮箱地址无效或含有非ASCII字符"),)
    )
    assert mailer.envelopes[0].recipients == (ADMIN,)


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "@corp.example", "a@", "a b@corp.example", "a@b@c", "a\r\n@b", "a@b\n", "a@b..c"],
)
def test_without_a_usable_address_the_message_is_refused(address: str) -> None:
    mailer = ScriptedMailer()
    verdict = email_through(mailer, (Mailbox(address),)).deliver(delivery())
    assert verdict == MessageRefused(detail="没有可用的收件邮箱")
    assert mailer.envelopes == []


def test_an_owed_mailbox_that_is_configured_no_more_ends_as_refused() -> None:
    verdict = email_through(ScriptedMailer()).deliver(delivery(only=("gone@corp.example",)))
    assert verdict == Delivered(refused=(RefusedMailbox("gone@corp.example", None, "邮箱已不在配置中"),))


def many(count: int) -> tuple[Mailbox, ...]:
    return tuple(Mailbox(f"r{number}@corp.example") for number in range(count))


def addresses(mailboxes: tuple[Mailbox, ...]) -> tuple[str, ...]:
    return tuple(box.email for box in mailboxes)


def test_many_mailboxes_go_in_batches() -> None:
    first, rest = many(120)[:MAX_RECIPIENTS], many(120)[MAX_RECIPIENTS:]
    second, third = rest[:MAX_RECIPIENTS], rest[MAX_RECIPIENTS:]
    mailer = ScriptedMailer(*(Receipt(addresses(batch), {}) for batch in (first, second, third)))
    assert email_through(mailer, many(120)).deliver(delivery()) == Delivered()
    assert [len(envelope.recipients) for envelope in mailer.envelopes] == [50, 50, 20]


@pytest.mark.parametrize(
    ("error", "deferred", "refused"),
    [
        (NotSent("断开"), ("r50@corp.example",), ()),
        (AnswerLost("中断"), ("r50@corp.example",), ()),
        (
            SmtpRefused(Stage.CONTENT, 554, "spam"),
            (),
            (RefusedMailbox("r50@corp.example", 554, "spam"),),
        ),
    ],
)
def test_a_later_batch_that_fails_leaves_the_first_delivered(
    error: PlatformError, deferred: tuple[str, ...], refused: tuple[RefusedMailbox, ...]
) -> None:
    mailer = ScriptedMailer(Receipt(addresses(many(50)), {}), error)
    verdict = email_through(mailer, many(51)).deliver(delivery())
    assert verdict == Delivered(refused=refused, deferred=deferred)


@pytest.mark.parametrize("sender", ["", "nobody", "告警", "用户@corp.example"])
def test_a_sender_that_is_no_address_is_misconfigured(sender: str) -> None:
    with pytest.raises(Misconfigured):
        Email("email", sender, MAILBOXES, ScriptedMailer(), Scrubber())


def test_a_mailbox_that_is_named_twice_gets_one_mail() -> None:
    mailer = ScriptedMailer(Receipt((ADMIN,), {}))
    email_through(mailer, (Mailbox(ADMIN), Mailbox(ADMIN, "again"))).deliver(delivery())
    assert mailer.envelopes[0].recipients == (ADMIN,)


def test_closing_closes_the_mailer() -> None:
    mailer = ScriptedMailer()
    email_through(mailer).close()
    assert mailer.closed
