"""What the emulated platforms have in common: checks in order, documented errors, a way to answer."""

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from pushserver.sandbox.answer import Answer
from pushserver.sandbox.errors import BadSettingError
from pushserver.sandbox.journal import Code, visible
from pushserver.sandbox.rate import Rate, RateGauge
from pushserver.sandbox.request import Head, Request

SIGNATURE_WINDOW = 3600.0
"""How far a signature's timestamp may be off, in seconds (Feishu and DingTalk alike)."""


@dataclass(frozen=True, slots=True)
class Documented:
    """An error as the platform documents it: its text, its HTTP status, its headers."""

    text: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The platform does not take the message; ``None`` stands for what is documented for ``code``."""

    code: Code
    text: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How one robot is set up.

    Attributes:
        secret: the signing secret; ``None`` leaves signatures unchecked.
        keywords: at least one must occur in the visible text; none asks for nothing.
        allowed_ips: addresses and networks (``10.0.0.0/8``) that may call; ``None`` is everybody.
        rate: ``False`` has no limit, ``True`` the published one, a :class:`Rate` its own.
        stopped: whether somebody disabled the robot in its group.
        size_limit: bytes of a whole body; ``None`` is the platform's.
        skip: names of checks to leave out, as the platform's ``checks`` lists them.
        malformed_status: the HTTP status of Feishu's 9499; old logs say 400, newer ones 200.
    """

    secret: str | None = field(default=None, repr=False)
    keywords: tuple[str, ...] = ()
    allowed_ips: tuple[str, ...] | None = None
    rate: bool | Rate = False
    stopped: bool = False
    size_limit: int | None = None
    skip: frozenset[str] = frozenset()
    malformed_status: int = 400

    def __post_init__(self) -> None:
        for entry in self.allowed_ips or ():
            try:
                ipaddress.ip_network(entry, strict=False)
            except ValueError:
                raise BadSettingError(
                    f"allowed_ips has {entry!r}; expected an address or a network such as '10.0.0.0/8'"
                ) from None


class Call:
    """One call at one robot: everything that a check may look at."""

    def __init__(self, request: Request, settings: Settings, gauge: RateGauge, now: float) -> None:
        self.request = request
        self.settings = settings
        self.gauge = gauge
        self.now = now

    @cached_property
    def payload(self) -> Any:
        """The body as JSON; ``None`` when it is not (no platform takes a bare ``null`` either)."""
        try:
            return json.loads(self.request.body)
        except (ValueError, RecursionError):
            return None

    @property
    def message(self) -> dict[str, Any]:
        """The payload where it is an object, otherwise an empty one."""
        return self.payload if isinstance(self.payload, dict) else {}

    def part(self, name: str) -> dict[str, Any]:
        """The object under ``name``, or an empty one."""
        part = self.message.get(name)
        return part if isinstance(part, dict) else {}


Check = Callable[[Call], Refusal | None]


class Vendor(Protocol):
    """An emulated platform. All of it is data and pure functions; a robot brings the state."""

    @property
    def name(self) -> str:
        """``feishu``, ``dingtalk``, ``wechat`` or ``notice``."""

    @property
    def checks(self) -> Mapping[str, Check]:
        """What a call must pass, in this order; the first refusal is the answer."""

    @property
    def documented(self) -> Mapping[Code, Documented]:
        """The errors that can be had on demand."""

    @property
    def unknown(self) -> Code:
        """The code for a token that no robot has."""

    def path(self, token: str) -> str:
        """Path and query of a robot's webhook."""

    def token(self, head: Head) -> str | None:
        """The token that a request names, perhaps empty; ``None``: the path is none of the platform's."""

    def stray(self, head: Head, unknown: Refusal) -> Refusal:
        """What a call to no robot is answered; ``unknown`` where the reason is the token."""

    def shown(self, call: Call) -> Any:
        """The payload as the group shows it."""

    def accept(self) -> Answer:
        """The answer to an accepted message."""

    def refuse(self, refusal: Refusal, text: str, request: Request, now: float) -> Answer:
        """The answer to a refused one; ``text`` is the refusal's own or the documented one."""


def first_refusal(vendor: Vendor, call: Call) -> Refusal | None:
    """Run the platform's checks in order; the first refusal wins, ``None`` accepts the message."""
    skip = call.settings.skip
    for name, check in vendor.checks.items():
        if name not in skip and (refusal := check(call)) is not None:
            return refusal
    return None


def refusal_text(vendor: Vendor, refusal: Refusal) -> str:
    """The text that goes with a refusal: its own, else the documented one."""
    if refusal.text is not None:
        return refusal.text
    documented = vendor.documented.get(refusal.code)
    return documented.text if documented else ""


def over_rate(call: Call, published: Rate, usual: Code) -> Refusal | None:
    """The check of the rate limit, for a vendor whose published limit and usual code these are."""
    rate = call.settings.rate
    if rate is False:
        return None
    limit = published if rate is True else rate
    if call.gauge.admits(limit, call.now):
        return None
    return Refusal(usual if limit.code is None else limit.code, limit.text)


def address_allowed(call: Call) -> bool:
    """Whether the caller's address is on the robot's list, or there is none."""
    allowed = call.settings.allowed_ips
    if allowed is None:
        return True
    peer = ipaddress.ip_address(call.request.head.peer)
    return any(peer in ipaddress.ip_network(entry, strict=False) for entry in allowed)


def has_keyword(call: Call) -> bool:
    """Whether one of the robot's keywords occurs in what a reader would see, or there are none."""
    keywords = call.settings.keywords
    if not keywords:
        return True
    words = "\n".join(visible(call.payload))
    return any(keyword in words for keyword in keywords)
