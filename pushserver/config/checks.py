"""Checks of single values, each saying what it found without repeating the value: it may be a secret.

A check raises :class:`Unfit` with words that fit behind "found"; what is expected stands with the field.
"""

import re
from ipaddress import ip_address, ip_network
from typing import NoReturn
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

LONGEST_NAME = 100
LONGEST_ALIAS = 200

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Nearly every URL is as plain as this; taking one apart costs ten times as much.
_PLAIN_URL = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(/[!-~]*)?")
_ADDRESS = re.compile(r'[^@\s<>()\[\]\\,;:"]+@[^@\s<>()\[\]\\,;:"]+')
_LONGEST_ADDRESS = 254
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_HEADER = re.compile("[^\t\x20-\x7e\xa0-\xff]")
_DATABASE = re.compile(r"(sqlite|postgresql|mysql|mariadb)(\+\w+)?://", re.ASCII)
_SWITCH = {**dict.fromkeys(("true", "yes", "on"), "on"), **dict.fromkeys(("false", "no", "off"), "off")}


def unfit(found: str) -> NoReturn:
    """Refuse a value, saying what was found."""
    raise PydanticCustomError("unfit", "{found}", {"found": found})


def is_text(value: object) -> str:
    """The value, if it is a text."""
    if isinstance(value, str):
        return value
    unfit(kind_of(value))


def kind_of(value: object) -> str:
    """What a value is, without saying which."""
    match value:
        case None:
            return "nothing"
        case "":
            return "an empty text"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "something else"


def switch_word(value: object) -> object:
    """``on`` or ``off`` where YAML knows several words for it; anything else unchanged."""
    return _SWITCH.get(value.casefold(), value) if isinstance(value, str) else value


def single_line(text: str) -> str:
    """A text for people: any characters that fit on a line."""
    if _CONTROL.search(text):
        unfit("a text with control characters")
    return text


def name(text: str) -> str:
    """A target's name: what operators and results call it."""
    return _name(text, LONGEST_NAME)


def alias(text: str) -> str:
    """A recipient's key."""
    return _name(text, LONGEST_ALIAS)


def _name(text: str, longest: int) -> str:
    if not text.strip():
        unfit("a blank text" if text else "an empty text")
    if len(text) > longest:
        unfit(f"a text of {len(text)} characters")
    return single_line(text)


def web_url(text: str) -> str:
    """An http or https URL with a host; empty is left to whoever needs one."""
    if not text or _PLAIN_URL.fullmatch(text):
        return text
    if _CONTROL.search(text) or " " in text:
        unfit("a URL with blanks or control characters")
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        unfit("a URL with an impossible host or port")
    if url.scheme not in {"http", "https"}:
        unfit("a text that does not begin with http:// or https://")
    if not host:
        unfit("a URL without a host")
    return text


def database_url(text: str) -> str:
    """A URL of a database that the store knows, as SQLAlchemy writes it."""
    if not _DATABASE.match(text):
        unfit("a text that is no such URL" if text else "an empty text")
    return single_line(text)


def host(text: str) -> str:
    """A host name or an address, without scheme, port or path."""
    if not text:
        return text
    if re.search(r"[\s/@]", single_line(text)):
        unfit("a text with blanks, / or @")
    if text.count(":") == 1:
        unfit("a host with a port")
    return text


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach a host of this name."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def networks(value: object) -> tuple[str, ...]:
    """Addresses and networks, in a list or in a text with commas between them; each as a network."""
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        unfit(kind_of(value))
    return tuple(_network(number, entry) for number, entry in enumerate(entries, start=1) if entry != "")


def _network(number: int, entry: object) -> str:
    text = is_text(entry).strip()
    try:
        return str(ip_network(text))
    except ValueError:
        pass
    try:
        ip_address(text.partition("/")[0])
    except ValueError:
        unfit(f"entry {number}, which is no address and no network")
    unfit(f"entry {number}, whose address does not fit its prefix length")


def email_address(text: str) -> str:
    """A bare mail address; empty is left to whoever needs one."""
    if text and not is_email_address(text):
        unfit("a text that is no bare mail address")
    return text


def is_email_address(text: str) -> bool:
    """Whether the text is a mail address and nothing else."""
    fits = len(text) <= _LONGEST_ADDRESS and not _CONTROL.search(text)
    return fits and _ADDRESS.fullmatch(text) is not None


def header_name(text: str) -> str:
    """The name of an HTTP header (RFC 9110, token)."""
    if not _HEADER_NAME.fullmatch(text):
        unfit("a name with characters that HTTP does not allow")
    return text


def header_value(text: str) -> str:
    """The value of an HTTP header: one line of Latin-1."""
    if _NOT_IN_HEADER.search(text):
        unfit("a value with characters that HTTP does not allow")
    return text
