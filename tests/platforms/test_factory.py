import io
import json
import logging
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from pushserver.config import Mail, Mailbox, Notice, SmtpAccount, Webhook
from pushserver.domain import Delivered, PlatformName, RefusedHere
from pushserver.platforms import Context, Envelope, Misconfigured, Receipt, build
from tests.platforms.deliveries import delivery
from tests.platforms.mail_server import Inbox, receiving
from tests.platforms.raw_server import Talk, answering, serving

OK = b'{"code":0,"errcode":0}'
TOKEN = "tok-0123456789"


def http_answer(body: bytes) -> Talk:
    return answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@pytest.fixture
def context() -> Context:
    return Context(timeout=5.0, console=io.StringIO(), logger=logging.getLogger("tests.notices"))


def webhook(platform: PlatformName, url: str, **options: object) -> Webhook:
    return Webhook(platform=platform, url=SecretStr(url), name="主告警机器人", **options)


@pytest.mark.parametrize(
    ("platform", "query", "key", "target"),
    [
        (PlatformName.FEISHU, "", "msg_type", "/send"),
        (PlatformName.DINGTALK, "?access_token=a&timestamp=1&sign=b", "msgtype", "/send?access_token=a"),
        (PlatformName.WECHAT, "?key=k&debug=1", "msgtype", "/send?key=k"),
    ],
)
def test_each_webhook_gets_its_robot(
    platform: PlatformName, query: str, key: str, target: str, context: Context
) -> None:
    with serving(http_answer(OK)) as server:
        robot = build(webhook(platform, f"http://127.0.0.1:{server.port}/send{query}"), context)
        assert isinstance(robot.deliver(delivery()), Delivered)
        robot.close()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b" ")[1].decode() == target
    assert b"Content-Type: application/json; charset=utf-8" in head
    assert json.loads(body)[key] == "text"


def test_a_secret_makes_the_robot_sign(context: Context) -> None:
    secret = SecretStr("SECtest")
    with serving(http_answer(OK)) as server:
        url = f"http://127.0.0.1:{server.port}/send?access_token=a"
        for platform in (PlatformName.FEISHU, PlatformName.DINGTALK):
            robot = build(webhook(platform, url, secret=secret), context)
            robot.deliver(delivery())
            robot.close()
    feishu, dingtalk = server.requests
    assert b'"sign":"' in feishu
    assert b"&timestamp=1704110405000&sign=" in dingtalk


@pytest.mark.parametrize("own", [True, False])
def test_a_webhook_goes_through_its_own_proxy_or_the_common_one(own: bool, context: Context) -> None:
    with serving(http_answer(OK)) as proxy:
        url = f"http://user:pass-w0rd@127.0.0.1:{proxy.port}"
        settings = webhook(PlatformName.FEISHU, f"http://robot.example/{TOKEN}", proxy=url if own else None)
        common = None if own else url
        shared = Context(timeout=5.0, console=context.console, logger=context.logger, proxy=common)
        robot = build(settings, shared)
        assert isinstance(robot.deliver(delivery()), Delivered)
        robot.close()
    assert proxy.requests[0].startswith(b"POST http://robot.example/tok-0123456789 HTTP/1.1")
    assert "pass-w0rd" not in repr(shared)


def test_a_vendor_that_echoes_credentials_reveals_none(context: Context) -> None:
    secret, token = "SEC+secret=", TOKEN
    echo = f"{token} {secret} {quote(secret, safe='')}"
    reply = json.dumps({"errcode": 310000, "errmsg": echo}).encode()
    with serving(http_answer(reply)) as server:
        url = f"http://127.0.0.1:{server.port}/send?access_token={token}"
        robot = build(webhook(PlatformName.DINGTALK, url, secret=SecretStr(secret)), context)
        verdict = robot.deliver(delivery())
        robot.close()
    assert verdict == RefusedHere(code=310000, detail="*** *** ***")


def test_other_platforms_have_no_webhooks(context: Context) -> None:
    with pytest.raises(Misconfigured):
        build(webhook(PlatformName.EMAIL, "http://robot.example/x"), context)


def test_a_mail_goes_through_the_recipients_own_account(context: Context) -> None:
    inbox = Inbox()
    with receiving(inbox) as server:
        smtp = SmtpAccount(host="127.0.0.1", port=server.port, from_="noreply@corp.example", tls=False)
        email = build(Mail(smtp=smtp, mailboxes=(Mailbox(email="ops@corp.example", name="运维"),)), context)
        assert email.deliver(delivery()) == Delivered()
        email.close()
    assert inbox.mail()["To"] == "运维 <ops@corp.example>"


def test_a_mail_without_an_account_goes_through_the_common_ones(context: Context) -> None:
    class Accounts:
        envelopes: list[Envelope] = []  # noqa: RUF012 - one instance, one test

        def submit(self, envelope: Envelope, at: object) -> Receipt:
            self.envelopes.append(envelope)
            return Receipt(envelope.recipients, {})

        def close(self) -> None:
            """Nothing is kept."""

    accounts = Accounts()
    shared = Context(
        timeout=5.0,
        console=context.console,
        logger=context.logger,
        accounts=accounts,
        accounts_sender="relay@corp.example",
    )
    email = build(Mail(smtp=None, mailboxes=(Mailbox(email="ops@corp.example"),)), shared)
    assert email.deliver(delivery()) == Delivered()
    assert [envelope.sender for envelope in accounts.envelopes] == ["relay@corp.example"]


def test_a_mail_without_any_account_is_misconfigured(context: Context) -> None:
    with pytest.raises(Misconfigured):
        build(Mail(smtp=None, mailboxes=(Mailbox(email="ops@corp.example"),)), context)


def test_notices_of_each_type(context: Context, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    console = build(Notice(type="console", name="控制台"), context)
    file = build(Notice(type="file", name="文件", path=str(tmp_path / "n")), context)
    syslog = build(Notice(type="syslog", name="日志"), context)
    for notice in (console, file, syslog):
        assert notice.deliver(delivery()) == Delivered()
    assert isinstance(context.console, io.StringIO)
    assert "🚨 系统通知 🚨" in context.console.getvalue()
    assert len(list((tmp_path / "n").iterdir())) == 1
    assert "系统通知: 数据库告警" in caplog.text


def test_an_http_notice_carries_the_configured_headers(context: Context) -> None:
    headers = {"Authorization": SecretStr("Bearer t0ken"), "content-type": SecretStr("application/x-notice")}
    with serving(http_answer(b"")) as server:
        url = SecretStr(f"http://127.0.0.1:{server.port}/notify")
        notice = build(Notice(type="http", name="HTTP", url=url, headers=headers), context)
        assert notice.deliver(delivery()) == Delivered(code=200)
        notice.close()
    head = server.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert b"authorization: bearer t0ken" in head
    assert head.count(b"content-type: ") == 1
    assert b"content-type: application/x-notice" in head
