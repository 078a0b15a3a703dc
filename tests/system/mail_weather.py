"""What can go wrong around a relay under load, and when: mail servers, accounts, and the relay itself."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pushserver.sandbox import MailSink, Sandbox, Stage
from pushserver.sandbox.mail import Mail
from tests.system.actor_list import restart
from tests.system.deadline import until
from tests.system.server_process import PushServer

BEFORE, AFTER = 1.5, 1.5
"""Seconds around a kill in which what arrives may have arrived before it was written down."""


class Provider:
    """A mail server that can be killed and comes back on its port; ``mails`` are those of all its lives.

    It takes nothing for the mailbox ``gone``, ever.
    """

    def __init__(self, name: str, gone: str) -> None:
        self.name = name
        self._gone = gone
        self._lives: list[MailSink] = []
        self._live(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def sink(self) -> MailSink:
        """Its present life."""
        return self._lives[-1]

    @property
    def mails(self) -> list[Mail]:
        """Whatever it has taken over."""
        return [mail for life in self._lives for mail in life.mails]

    @property
    def count(self) -> int:
        """How many mails that is."""
        return sum(life.count for life in self._lives)

    def kill(self) -> None:
        """Every connection breaks, and new ones are refused."""
        self._sandbox.close()

    def revive(self) -> None:
        """On the same port."""
        self._live(self.sink.port)

    def recover(self) -> None:
        """Nothing is wrong with it any more."""
        self.sink.recover()
        self.sink.refuse(self._gone)

    def _live(self, port: int) -> None:
        self._sandbox = Sandbox()
        self._sandbox.start()
        self._lives.append(self._sandbox.smtp(self.name, port=port))
        self.recover()


@dataclass(frozen=True, slots=True)
class Storm:
    """A time in which answers were lost: at this provider, or at all (empty)."""

    provider: str
    began: float
    ended: float

    def covers(self, provider: str, at: float) -> bool:
        """May the answer to a mail that arrived there and then have been lost?"""
        return self.provider in {"", provider} and self.began - BEFORE <= at <= self.ended + AFTER


class Weather:
    """Makes faults, and knows when an answer may have been lost to them (``storms``).

    Each fault is a generator: it begins what lasts, yields, and ends it once it is asked to go on.
    """

    def __init__(self, server: PushServer, providers: dict[str, Provider]) -> None:
        self.storms: list[Storm] = []
        self._server = server
        self._providers = providers

    def relay_killed(self, _: str) -> Iterator[None]:
        began, pid = time.time(), self._server.worker("relay-0")
        os.kill(pid, signal.SIGKILL)
        until(lambda: self._server.worker("relay-0") != pid, "it has a successor")
        yield
        self.storms.append(Storm("", began, began))

    def account_restarted(self, name: str) -> Iterator[None]:
        began = time.time()
        until(lambda: self._restarted(f"accounts/{name}"), f"{name} has begun a new life")
        yield
        self.storms.append(Storm(name, began, began))

    def connection_restarted(self, name: str) -> Iterator[None]:
        began = time.time()
        until(lambda: self._restarted(f"accounts/{name}/1"), f"a connection of {name} has begun a new life")
        yield
        self.storms.append(Storm(name, began, began))

    def provider_killed(self, name: str) -> Iterator[None]:
        began = time.time()
        self._providers[name].kill()
        yield
        self._providers[name].revive()
        self.storms.append(Storm(name, began, time.time()))

    def provider_hangs(self, name: str) -> Iterator[None]:
        began = time.time()
        sink = self._providers[name].sink
        sink.hang(Stage.DATA)
        yield
        sink.release()
        self.storms.append(Storm(name, began, time.time()))

    def answers_dropped(self, name: str) -> Iterator[None]:
        """After the final dot; the sink says itself of which mails."""
        self._providers[name].sink.drop(Stage.DATA, times=10)
        yield

    def put_off(self, name: str) -> Iterator[None]:
        sink = self._providers[name].sink
        sink.reply(Stage.MAIL, "451 4.3.2 come again", times=20)
        sink.reply(Stage.DATA, "452 4.3.1 disk full", times=20)
        yield

    def partly_refused(self, name: str) -> Iterator[None]:
        """Some recipients for now and some for good, of mails whose others are taken."""
        sink = self._providers[name].sink
        sink.reply(Stage.RCPT, "450 4.2.0 greylisted", times=15)
        sink.reply(Stage.RCPT, "550 5.2.1 mailbox disabled", times=15)
        yield

    def refused(self, name: str) -> Iterator[None]:
        """The whole mail, for good."""
        self._providers[name].sink.reply(Stage.DATA, "554 5.7.1 looks like spam", times=10)
        yield

    def busy(self, name: str) -> Iterator[None]:
        self._providers[name].sink.busy(times=6)
        yield

    def _restarted(self, address: str) -> bool:
        """It may be away just now: its process was killed a moment ago."""
        try:
            restart(self._server, address)
        except (AssertionError, OSError):
            return False
        return True
