"""The arguments of MAIL and RCPT: an address and parameters (RFC 5321 sections 4.1.1.2, 4.1.1.3, 4.1.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LONGEST_PATH: Final = 254
"""RFC 5321 section 4.5.3.1.3: 256 octets with the angle brackets."""

_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"'
_ATOMS = r"[^\s\"(),:;<>@\[\]\\\x00-\x1f\x7f]+"
_DOMAIN = r"(?:\[[0-9A-Za-z.:\-]+\]|[^\s\"(),:;<>@\[\]\\\x00-\x1f\x7f]+)"
_ROUTE = r"(?:@[^\s,:<>]+(?:,@[^\s,:<>]+)*:)?"
_MAILBOX = re.compile(rf"(?P<local>{_QUOTED}|{_ATOMS})(?:@(?P<domain>{_DOMAIN}))?")
_PATH = re.compile(rf"\s*(?:<{_ROUTE}(?P<path>[^<>]*)>|(?P<bare>[^<>\s]+))(?P<rest>\s.*|)", re.DOTALL)
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]*\Z")
_VALUE = re.compile(r"[\x21-\x3c\x3e-\x7e]+\Z")
_ROUTING: Final = frozenset("%!@")


class BadPath(ValueError):  # noqa: N818 - what it is
    """The argument of MAIL or RCPT cannot be read."""


class ForeignAddress(BadPath):
    """An address in letters that only SMTPUTF8 could carry on (RFC 6531)."""


@dataclass(frozen=True, slots=True)
class Path:
    """An address, without source route (RFC 5321 appendix C), and the parameters behind it, upper case."""

    address: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_path(argument: str, keyword: str) -> Path:
    """``FROM:<a@b.example> SIZE=100`` for the keyword ``FROM``. The null path has an empty address.

    Raises:
        ForeignAddress: the address is not ASCII.
        BadPath: everything else that is wrong.
    """
    given, colon, path = argument.partition(":")
    if not colon or given.strip().upper() != keyword:
        raise BadPath(f"expected {keyword}:<address>")
    found = _PATH.fullmatch(path)
    if found is None:
        raise BadPath(f"expected {keyword}:<address>")
    address = found["path"] if found["bare"] is None else found["bare"]
    _check(address)
    return Path(address, _parameters(found["rest"]))


def is_complete(address: str) -> bool:
    """Does it say at which domain? The postmaster needs none (RFC 5321 section 4.5.1)."""
    found = _MAILBOX.fullmatch(address)
    return found is not None and (found["domain"] is not None or address.lower() == "postmaster")


def is_routed(address: str) -> bool:
    """Does the local part hide another destination: ``user%elsewhere@here``, ``elsewhere!user@here``?"""
    found = _MAILBOX.fullmatch(address)
    return found is not None and not _ROUTING.isdisjoint(found["local"])


def _check(address: str) -> None:
    if not address.isascii():
        raise ForeignAddress("the address is not ASCII")
    if address and (len(address) > LONGEST_PATH or _MAILBOX.fullmatch(address) is None):
        raise BadPath("this is no address")


def _parameters(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for parameter in text.split():
        keyword, equals, value = parameter.partition("=")
        name = keyword.upper()
        if not _KEYWORD.match(keyword) or (equals and not _VALUE.match(value)) or name in parameters:
            raise BadPath("a parameter cannot be read")
        parameters[name] = value
    return parameters
