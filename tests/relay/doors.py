"""A door on a free port, the vault behind it, and clients that say exactly what they are told."""

import asyncio
import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pushserver.domain.mail import Duplicate, Mail, RememberUnconfirmed, SpooledContent, new_mail_id
from pushserver.relay import Access, Credentials, DoorPlan, Limits, SmtpServer, Tally
from pushserver.store import Spool, read_content

USER, PASSWORD = "relay_user", "relay_pass"
LOGIN = "AUTH PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
TIMEOUT = 10.0


class Vault:
    """What the door's mails go to. It can be told to fail, to wait, or that a mail is there already."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.digests: list[str] = []
        self.remembered: list[RememberUnconfirmed] = []
        self.answer: Duplicate | None = None
        self.failure: Exception | None = None
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.opened.set()
        self.told = threading.Event()

    async def accept(self, mail: Mail, digest: str) -> Duplicate | None:
        self.reached.set()
        await asyncio.to_thread(self.opened.wait, TIMEOUT)
        if self.failure is not None:
            raise self.failure
        self.mails.append(mail)
        self.digests.append(digest)
        return self.answer

    def remember(self, message: RememberUnconfirmed) -> None:
        self.remembered.append(message)
        self.told.set()

    def content(self, index: int = -1) -> bytes:
        """Of a mail, without the line that the door has put in front."""
        return without_trace(read_content(self.mails[index].content))


@dataclass
class Door:
    server: SmtpServer
    vault: Vault
    tally: Tally
    spool: Path
    port: int
    ca_file: str = ""
    clients: list["Client"] = field(default_factory=list)

    def client(self, host: str = "127.0.0.1") -> "Client":
        client = Client(self.port, host)
        self.clients.append(client)
        return client

    def greeted(self, host: str = "127.0.0.1") -> "Client":
        client = self.client(host)
        assert client.reply().startswith("220 relay.example ESMTP")
        client.say("EHLO client.example")
        return client

    def logged_in(self, host: str = "127.0.0.1") -> "Client":
        client = self.greeted(host)
        assert client.say(LOGIN) == "235 2.7.0 Authentication successful"
        return client


class Client:
    """A socket; lines go out and come in as they are."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT, (host, 0))
        self.replies = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.replies.close()
        self.socket.close()

    def reset(self) -> None:
        """Break the connection: no farewell, and what is under way is lost."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def flood(self, data: bytes, times: int) -> None:
        """Send it again and again, whatever is said."""
        for _ in range(times):
            self.send(data)

    def reply(self) -> str:
        """One reply, its lines joined; empty at the end."""
        lines = []
        while line := self.replies.readline():
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        return "\n".join(lines)

    def packet(self) -> bytes:
        """What the kernel has, or gets next, in one go."""
        return self.replies.read1()

    def say(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def envelope(self, sender: str = "a@client.example", *recipients: str) -> None:
        assert self.say(f"MAIL FROM:<{sender}>") == "250 2.1.0 OK"
        for recipient in recipients or ("b@corp.example",):
            assert self.say(f"RCPT TO:<{recipient}>") == "250 2.1.5 OK"

    def data(self, wire: bytes) -> str:
        """The reply to a message as it goes over the wire, stuffed and ended by the caller."""
        assert self.say("DATA").startswith("354 ")
        self.send(wire)
        return self.reply()

    def mail(self, content: bytes, *recipients: str) -> str:
        """The reply to a whole mail."""
        self.envelope("a@client.example", *recipients)
        return self.data(stuffed(content))

    def starttls(self, context: ssl.SSLContext) -> None:
        assert self.say("STARTTLS") == "220 2.0.0 Ready to start TLS"
        self.replies.close()
        self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.replies = self.socket.makefile("rb")


def stuffed(content: bytes) -> bytes:
    """As RFC 5321 section 4.5.2 wants it, for a message of CRLF lines."""
    wire = content.replace(b"\r\n.", b"\r\n..")
    return (b"." if wire.startswith(b".") else b"") + wire + b".\r\n"


def without_trace(content: bytes) -> bytes:
    """The content without its first field, which has to be the door's line."""
    assert content.startswith(b"Received: from ")
    rest = content.partition(b"\r\n")[2]
    while rest.startswith(b"\t"):
        rest = rest.partition(b"\r\n")[2]
    return rest


def spooled(directory: Path) -> list[str]:
    """The names of the files in a spool."""
    return sorted(path.name for path in directory.iterdir())


def is_spooled(mail: Mail) -> bool:
    return isinstance(mail.content, SpooledContent)


def plan(vault: Vault, spool: Path, tally: Tally, tls: ssl.SSLContext | None, **options: Any) -> DoorPlan:
    required = options.pop("tls_required", False)
    new_id = options.pop("new_id", new_mail_id)
    options.setdefault("auth_delay", 0.0)
    return DoorPlan(
        hostname="relay.example",
        access=lambda: Access(Credentials(USER, PASSWORD), tls, required),
        limits=Limits(**options),
        spool=Spool(spool),
        accept=vault.accept,
        remember=vault.remember,
        tally=tally,
        new_id=new_id,
    )


@contextmanager
def open_door(directory: Path, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Door]:
    """A door that is open inside; ``options`` are those of its :class:`Limits`, and ``tls_required``."""
    vault, tally = Vault(), Tally()
    spool = directory / "spool"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = SmtpServer(plan(vault, spool, tally, tls, **options), listening)
        server.start()
        door = Door(server, vault, tally, spool, listening.getsockname()[1])
        try:
            yield door
        finally:
            vault.opened.set()
            for client in door.clients:
                client.close()
            assert server.stop(5.0)


Opener = Callable[..., Door]
