"""A service with one of everything, and callers that never cease."""

import itertools
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pushserver.sandbox import MailSink, Robot, Sandbox, Stage
from tests.system.mail_burst import connected, send
from tests.system.server_process import PushServer, serving
from tests.system.setups import group, mailboxes, notices, relay, setup

ACCOUNT: Final = {"username": "main", "password": "account-secret"}
CONNECTIONS: Final = 4
"""That an account keeps; so many must be lost before all of them have to log in again."""
BREAKERS: Final = {"enabled": True}
GUESSERS: Final = 4
"""Each is held up by the relay after a wrong password."""
PAUSE: Final = 0.02
"""Seconds between two calls: load enough for every rate, and CPU left for those who look at it."""


@dataclass(frozen=True)
class World:
    """The service, and whom it talks to."""

    server: PushServer
    feishu: Robot
    dingtalk: Robot
    wechat: Robot
    notice: Robot
    main: MailSink
    spare: MailSink

    def kill(self) -> None:
        """Break everybody whom the service talks to, each in a way of its own."""
        self.feishu.fail(19001, times=None)
        self.dingtalk.drop(times=None)
        self.wechat.fail(45009, times=None)
        self.notice.drop(times=None)
        self.main.reply(Stage.AUTH, "535 5.7.8 Authentication credentials invalid", times=None)
        self.main.drop(Stage.MAIL, times=CONNECTIONS)


@contextmanager
def world(directory: Path) -> Iterator[World]:
    """It, under load, until the test is over."""
    with Sandbox() as sandbox:
        robots = sandbox.feishu("f"), sandbox.dingtalk("d"), sandbox.wechat("w"), sandbox.notice("n")
        main = sandbox.smtp("main", credentials={ACCOUNT["username"]: ACCOUNT["password"]})
        spare = sandbox.smtp("spare")
        feishu, dingtalk, wechat, notice = robots
        last_line = notices({"type": "http", "name": "notice", "url": notice.url})
        recipients = {
            "feishu": {"feishu": group(feishu)},
            "dingtalk": {"dingtalk": group(dingtalk)},
            "wechat": {"wechat": group(wechat)},
            "crowd": {"feishu": group(sandbox.feishu("crowded"), rate="2/s")},
            "email": {"email": mailboxes(spare, "ann@corp.example")},
            "system": {"system": last_line},
        }
        section = relay({"main": main, "spare": spare})
        section["accounts"][0] |= ACCOUNT
        content = setup(directory, recipients, system=last_line, smtp_relay=section, breaker=BREAKERS)
        with serving(directory, content) as server, _load(server, [*recipients]):
            yield World(server, feishu, dingtalk, wechat, notice, main, spare)


@contextmanager
def _load(server: PushServer, recipients: list[str]) -> Iterator[None]:
    over = threading.Event()
    smtp = int(server.client.ask("GET", "/api/v1/smtp-relay/status").data["port"])
    numbers = itertools.count()
    aliases = itertools.cycle(recipients)

    def push() -> None:
        server.client.push(next(aliases))

    def mail() -> None:
        send(smtp, f"mail {next(numbers)}", "bob@corp.example")

    def guess_a_password() -> None:
        with suppress(smtplib.SMTPAuthenticationError):
            connected(smtp, "wrong").close()

    calls = [push, mail, *[guess_a_password] * GUESSERS]
    threads = [threading.Thread(target=_again, args=(call, over)) for call in calls]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _again(call: Callable[[], None], over: threading.Event) -> None:
    while not over.wait(PAUSE):
        with suppress(OSError, AssertionError):  # the service is killed in the end
            call()
