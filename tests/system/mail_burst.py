"""Clients in a hurry: many mails over several kept connections, each with a marker of its own."""

import itertools
import smtplib
import threading
from collections.abc import Callable
from email.message import EmailMessage
from hashlib import sha256
from typing import Self

from tests.system.deadline import PATIENCE
from tests.system.setups import PASSWORD, USER

SENDER = "printer@example.org"


def a_mail(marker: str, *recipients: str) -> EmailMessage:
    """With the marker as its subject."""
    message = EmailMessage()
    message["From"] = f"Printer <{SENDER}>"
    message["To"] = ", ".join(recipients)
    message["Subject"] = marker
    message["Message-ID"] = f"<{sha256(marker.encode()).hexdigest()[:16]}@example.org>"
    message.set_content(f"Paper jam, 卡纸 {marker}\n")
    return message


def connected(port: int, password: str = PASSWORD) -> smtplib.SMTP:
    """A client that has logged in."""
    client = smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE)
    try:
        client.login(USER, password)
    except BaseException:
        client.close()
        raise
    return client


def send(port: int, marker: str, *recipients: str) -> None:
    with connected(port) as client:
        client.send_message(a_mail(marker, *recipients), SENDER, recipients)


class MailBurst:
    """Sends ``count`` mails, and the same again until it is accepted, as a client should.

    ``accepted`` are the markers of those that got their 250; ``doubtful`` of those whose connection broke
    before: they may have been accepted, and were sent again. As a context manager it ends all threads.
    """

    def __init__(
        self, port: Callable[[], int], recipients: tuple[str, ...], count: int, threads: int
    ) -> None:
        self.accepted: list[str] = []
        self.doubtful: list[str] = []
        self._port = port
        self._recipients = recipients
        self._count = count
        self._numbers = itertools.count()
        self._news = threading.Condition()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def wait(self, count: int, patience: float = PATIENCE) -> None:
        """Wait until so many are accepted."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.accepted) >= count, patience), (
                f"only {len(self.accepted)} accepted"
            )

    def _run(self) -> None:
        client: smtplib.SMTP | None = None
        for number in iter(self._next, None):
            marker = f"mail-{number}"
            while not self._over.is_set():
                client = client or self._connect()
                if client is not None and self._sent(client, marker):
                    break
                client = None
                self._over.wait(0.01)
        if client is not None:
            client.close()

    def _next(self) -> int | None:
        number = next(self._numbers)
        return number if number < self._count and not self._over.is_set() else None

    def _connect(self) -> smtplib.SMTP | None:
        try:
            return connected(self._port())
        except OSError:  # all of smtplib's are
            return None

    def _sent(self, client: smtplib.SMTP, marker: str) -> bool:
        try:
            client.send_message(a_mail(marker, *self._recipients), SENDER, self._recipients)
        except OSError:
            client.close()
            self.doubtful.append(marker)
            return False
        with self._news:
            self.accepted.append(marker)
            self._news.notify_all()
        return True
