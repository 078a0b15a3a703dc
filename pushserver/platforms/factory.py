"""From a target's settings to the platform that delivers to it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, assert_never

from pushserver.config import Mail, Notice, TargetSettings
from pushserver.config import SmtpAccount as AccountSettings
from pushserver.config import Webhook as WebhookSettings
from pushserver.domain import PlatformName
from pushserver.platforms import dingtalk, wechat
from pushserver.platforms.dingtalk import DingTalk
from pushserver.platforms.email import Email, Mailbox
from pushserver.platforms.errors import Misconfigured
from pushserver.platforms.feishu import Feishu
from pushserver.platforms.http import HttpPost
from pushserver.platforms.platform import Platform
from pushserver.platforms.scrub import Scrubber, login_secrets, secrets_of_url
from pushserver.platforms.smtp import Mailer, Security, SmtpAccount, SmtpServer
from pushserver.platforms.system import ConsoleNotice, FileNotice, HttpNotice, LogNotice
from pushserver.platforms.webhook import Robot, Webhook
from pushserver.platforms.wechat import WeChat

_JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Context:
    """What the targets of a process share.

    ``timeout`` (seconds, ``queue.timeout``) bounds every send; a mail account's own time-out counts where
    it is shorter, a notice's in any case. ``proxy`` and ``ca_file`` are for webhooks and notices; mail
    servers may also be trusted by ``ca_file``. ``accounts`` submits mails of recipients without an account
    of their own, with ``accounts_sender`` as their author; its ``close`` is called with each such target's.
    """

    timeout: float
    console: TextIO
    logger: logging.Logger
    local_hostname: str = "localhost"
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    accounts: Mailer | None = field(default=None, repr=False)
    accounts_sender: str = ""


def build(target: TargetSettings, context: Context) -> Platform:
    """The platform for this target; nothing is connected to yet.

    Raises :class:`Misconfigured` for what only shows here, such as a mail target without any account.
    """
    match target:
        case WebhookSettings():
            return _webhook(target, context)
        case Mail():
            return _email(target, context)
        case Notice():
            return _notice(target, context)
        case _:
            assert_never(target)


def _webhook(target: WebhookSettings, context: Context) -> Platform:
    url, secret = target.url.get_secret_value(), target.secret.get_secret_value()
    proxy = target.proxy or context.proxy
    robot, url = _robot(target.platform, url, secret)
    post = HttpPost(url, timeout=context.timeout, headers=_JSON, proxy=proxy, ca_file=context.ca_file)
    secrets = (*secrets_of_url(url), *secrets_of_url(proxy or ""), secret)
    return Webhook(robot, post, Scrubber(*secrets))


def _robot(platform: PlatformName, url: str, secret: str) -> tuple[Robot, str]:
    """The robot, and its URL without what must not be sent along."""
    match platform:
        case PlatformName.FEISHU:
            return Feishu(secret), url
        case PlatformName.DINGTALK:
            return DingTalk(secret), dingtalk.robot_url(url)
        case PlatformName.WECHAT:
            return WeChat(), wechat.robot_url(url)
        case _:
            raise Misconfigured(f"{platform} 不是 webhook 平台，应为 feishu、dingtalk 或 wechat")


def _email(target: Mail, context: Context) -> Platform:
    mailboxes = [Mailbox(box.email, box.name) for box in target.mailboxes]
    if target.smtp is not None:
        secrets = login_secrets(target.smtp.username, target.smtp.password.get_secret_value())
        account = SmtpAccount(_server(target.smtp, context))
        return Email(target.name, target.smtp.from_, mailboxes, account, Scrubber(*secrets))
    if context.accounts is None:
        raise Misconfigured("没有可用的发信账户，请配置 smtp 或 smtp_relay.accounts")
    return Email(target.name, context.accounts_sender, mailboxes, context.accounts, Scrubber())


def _server(smtp: AccountSettings, context: Context) -> SmtpServer:
    return SmtpServer(
        host=smtp.host,
        port=smtp.port,
        username=smtp.username,
        password=smtp.password.get_secret_value(),
        security=Security.on(smtp.port, tls=smtp.tls),
        timeout=min(smtp.timeout, context.timeout),
        local_hostname=context.local_hostname,
        ca_file=context.ca_file,
    )


def _notice(target: Notice, context: Context) -> Platform:
    builders: dict[str, Callable[[], Platform]] = {
        "console": lambda: ConsoleNotice(context.console),
        "file": lambda: FileNotice(Path(target.path)),
        "syslog": lambda: LogNotice(context.logger),
        "http": lambda: HttpNotice(_notice_post(target, context)),
    }
    return builders[target.type]()


def _notice_post(target: Notice, context: Context) -> HttpPost:
    headers = {name: value.get_secret_value() for name, value in target.headers.items()}
    return HttpPost(
        target.url.get_secret_value(),
        timeout=target.timeout,
        headers=_JSON | headers,
        proxy=context.proxy,
        ca_file=context.ca_file,
    )
