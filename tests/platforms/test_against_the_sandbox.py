"""Every platform against the strict emulators, which share no code with it and refuse what it gets wrong."""

import io
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from pushserver.config import Mail, Mailbox, Notice, SmtpAccount, Webhook
from pushserver.domain import (
    Delivered,
    EndpointBroken,
    PlatformName,
    RateLimited,
    RefusedHere,
    RefusedMailbox,
    Style,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.platforms import Context, Platform, build
from pushserver.sandbox import Robot, Sandbox
from tests.platforms.deliveries import AT, delivery

TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68"
WEBHOOKS = (PlatformName.FEISHU, PlatformName.DINGTALK, PlatformName.WECHAT)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=AT.timestamp) as sandbox:
        yield sandbox


@pytest.fixture
def context() -> Context:
    return Context(timeout=5.0, console=io.StringIO(), logger=logging.getLogger("tests.notices"))


def robot_of(sandbox: Sandbox, platform: PlatformName) -> Robot:
    match platform:
        case PlatformName.FEISHU:
            return sandbox.feishu(TOKEN, secret=SECRET)
        case PlatformName.DINGTALK:
            return sandbox.dingtalk(TOKEN, secret=SECRET)
        case _:
            return sandbox.wechat(TOKEN)


def webhook_to(robot: Robot, platform: PlatformName, context: Context, secret: str = SECRET) -> Platform:
    return build(
        Webhook(platform=platform, url=SecretStr(robot.url), secret=SecretStr(secret), name="r"), context
    )


@pytest.mark.parametrize("platform", WEBHOOKS)
@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize("size", [1, 30_000])
def test_a_robot_takes_what_we_send(
    platform: PlatformName, style: Style, size: int, sandbox: Sandbox, context: Context
) -> None:
    robot = robot_of(sandbox, platform)
    robot.clear()
    endpoint = webhook_to(robot, platform, context)
    assert isinstance(endpoint.deliver(delivery("标题", "中" * size, style=style)), Delivered)
    endpoint.close()
    (message,) = robot.messages
    assert "标题" in message.words
    assert "中" in message.words


@pytest.mark.parametrize(
    ("platform", "code", "verdict"),
    [
        (PlatformName.FEISHU, 19001, EndpointBroken),
        (PlatformName.FEISHU, 19024, RefusedHere),
        (PlatformName.FEISHU, 11232, RateLimited),
        (PlatformName.DINGTALK, 300005, EndpointBroken),
        (PlatformName.DINGTALK, 310000, RefusedHere),
        (PlatformName.DINGTALK, 660026, RateLimited),
        (PlatformName.DINGTALK, -1, Transient),
        (PlatformName.WECHAT, 93000, EndpointBroken),
        (PlatformName.WECHAT, 45009, RateLimited),
    ],
)
def test_a_documented_failure_has_its_verdict(
    platform: PlatformName, code: int, verdict: type[Verdict], sandbox: Sandbox, context: Context
) -> None:
    robot = robot_of(sandbox, platform)
    robot.fail(code)
    endpoint = webhook_to(robot, platform, context)
    got = endpoint.deliver(delivery())
    endpoint.close()
    assert (type(got), got.code) == (verdict, code)


@pytest.mark.parametrize("platform", [PlatformName.FEISHU, PlatformName.DINGTALK])
def test_a_wrong_secret_is_refused_here(platform: PlatformName, sandbox: Sandbox, context: Context) -> None:
    endpoint = webhook_to(robot_of(sandbox, platform), platform, context, secret="SECwrong")
    assert isinstance(endpoint.deliver(delivery()), RefusedHere)
    endpoint.close()


@pytest.mark.parametrize("platform", WEBHOOKS)
def test_success_under_a_5xx_and_html_are_no_success(
    platform: PlatformName, sandbox: Sandbox, context: Context
) -> None:
    robot = robot_of(sandbox, platform)
    endpoint = webhook_to(robot, platform, context)
    robot.answer({"code": 0, "errcode": 0}, status=500)
    assert isinstance(endpoint.deliver(delivery()), Transient)
    robot.answer("<html>bad gateway</html>", status=200)
    assert isinstance(endpoint.deliver(delivery()), Transient)
    endpoint.close()


@pytest.mark.parametrize("platform", WEBHOOKS)
def test_a_dropped_answer_is_uncertain(platform: PlatformName, sandbox: Sandbox, context: Context) -> None:
    robot = robot_of(sandbox, platform)
    robot.clear()
    robot.drop()
    endpoint = webhook_to(robot, platform, context)
    assert isinstance(endpoint.deliver(delivery()), Uncertain)
    assert robot.count == 1
    assert isinstance(endpoint.deliver(delivery()), Delivered)
    endpoint.close()


def test_a_mail_and_a_partial_refusal(sandbox: Sandbox, context: Context) -> None:
    sink = sandbox.smtp(credentials={"bot": "p4ss"}, auth_required=True)
    sink.refuse("gone@corp.example", "550 5.1.1 No such user")
    account = SmtpAccount(
        host=sink.host,
        port=sink.port,
        username="bot",
        password=SecretStr("p4ss"),
        from_="noreply@corp.example",
        tls=False,
    )
    boxes = (Mailbox(email="ops@corp.example"), Mailbox(email="gone@corp.example"))
    email = build(Mail(smtp=account, mailboxes=boxes), context)
    verdict = email.deliver(delivery("磁盘", "满了"))
    email.close()
    assert verdict == Delivered(refused=(RefusedMailbox("gone@corp.example", 550, "5.1.1 No such user"),))
    (mail,) = sink.mails
    assert (mail.subject, mail.login, mail.mailboxes) == ("[错误] 磁盘", "bot", ("ops@corp.example",))
    assert "满了" in mail.text


def test_an_http_notice(sandbox: Sandbox, context: Context) -> None:
    sink = sandbox.notice("ops")
    notice = build(Notice(type="http", name="n", url=SecretStr(sink.url)), context)
    assert isinstance(notice.deliver(delivery("T", "M")), Delivered)
    notice.close()
    (message,) = sink.messages
    assert (message.payload["title"], message.payload["message"]) == ("T", "M")
