"""The AUTH mechanisms: what server and client say to each other until a login is known.

PLAIN is RFC 4616, LOGIN has only a draft (draft-murchison-sasl-login) and much use. Each is a generator: it
yields challenges, is sent responses, and returns a :class:`Login`.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Final

Exchange = Generator[bytes, bytes, "Login"]


class BadResponse(ValueError):  # noqa: N818 - what it is
    """A client's response that the mechanism cannot read."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who somebody claims to be, and the proof; UTF-8 as a rule, but bytes that a client chose."""

    username: bytes = field(repr=False)
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one user of the relay."""

    username: str
    password: str = field(repr=False)

    def match(self, login: Login) -> bool:
        """Takes as long for a wrong name as for a wrong password, and for either of any length."""
        name = _same(login.username, self.username.encode())
        password = _same(login.password, self.password.encode())
        return name & password


def plain(initial: bytes | None) -> Exchange:
    """``authorization NUL name NUL password``; nobody may act for somebody else."""
    response = (yield b"") if initial is None else initial
    authorization, *login = response.split(b"\0")
    if len(login) != 2 or not login[0]:  # noqa: PLR2004 - name and password
        raise BadResponse("expected two NULs")
    if authorization not in (b"", login[0]):
        return Login(b"", b"")
    return Login(*login)


def login(initial: bytes | None) -> Exchange:
    """Name, then password. Some clients look for these very words, colon included."""
    username = (yield b"Username:") if initial is None else initial
    password = yield b"Password:"
    return Login(username, password)


MECHANISMS: Final[Mapping[str, Callable[[bytes | None], Exchange]]] = MappingProxyType(
    {"PLAIN": plain, "LOGIN": login}
)


def decoded(response: bytes) -> bytes:
    """A line of the exchange, out of base64; ``=`` stands for an empty one (RFC 4954 section 4).

    Raises:
        BadResponse: it is no base64.
    """
    if response == b"=":
        return b""
    try:
        return base64.b64decode(response, validate=True)
    except binascii.Error:
        raise BadResponse("expected base64") from None


def encoded(challenge: bytes) -> bytes:
    """A challenge, in base64."""
    return base64.b64encode(challenge)


def _same(given: bytes, expected: bytes) -> bool:
    return hmac.compare_digest(sha256(given).digest(), sha256(expected).digest())
