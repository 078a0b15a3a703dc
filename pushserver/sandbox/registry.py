"""Which robots there are, and what becomes of a call to none of them."""

import re
import threading
from collections.abc import Callable, Mapping
from functools import partial

from pushserver.sandbox.answer import Reply
from pushserver.sandbox.dingtalk import DingTalk
from pushserver.sandbox.errors import BadSettingError
from pushserver.sandbox.feishu import Feishu
from pushserver.sandbox.journal import KEEP, Arrival, Bell, Code, Journal
from pushserver.sandbox.notice import Notice
from pushserver.sandbox.rate import RateGauge
from pushserver.sandbox.request import Head, Request
from pushserver.sandbox.robot import Clock, Robot
from pushserver.sandbox.server import Handler
from pushserver.sandbox.vendor import Call, Refusal, Settings, Vendor, refusal_text
from pushserver.sandbox.wechat import WeChat

VENDORS: Mapping[str, Vendor] = {vendor.name: vendor for vendor in (Feishu(), DingTalk(), WeChat(), Notice())}

MAX_OPENED = 1_000
"""How many robots a permissive sandbox makes by itself."""

_TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class Registry:
    """The robots by platform and token, and the journal of the calls that reached none.

    Attributes:
        strays: calls with an unknown token.
    """

    def __init__(
        self, *, bell: Bell, clock: Clock, base: Callable[[], str], keep: int = KEEP, permissive: bool = False
    ) -> None:
        self.strays: Journal[Arrival] = Journal(bell, keep)
        self._build = partial(Robot, bell=bell, clock=clock, base=base, keep=keep)
        self._clock = clock
        self._permissive = permissive
        self._lock = threading.Lock()
        self._robots: dict[tuple[str, str], Robot] = {}
        self._unknown: dict[str, Refusal] = {}

    @property
    def robots(self) -> list[Robot]:
        """All robots, in the order in which they were made."""
        with self._lock:
            return list(self._robots.values())

    def find(self, platform: str, token: str) -> Robot | None:
        """The robot with this token."""
        return self._robots.get((platform, token))

    def make(self, platform: str, token: str, settings: Settings) -> Robot:
        """A robot with these settings: a new one, or the one with this token, set up anew.

        Raises:
            BadSettingError: no such platform, or a token that could not stand in a webhook's URL.
        """
        vendor = VENDORS.get(platform)
        if vendor is None:
            raise BadSettingError(f"the platform {platform!r}; expected one of {', '.join(VENDORS)}")
        if not (_TOKEN.fullmatch(token) or (platform == Notice.name and token)):
            raise BadSettingError("the token; expected 1 to 128 characters of letters, digits and . _ ~ -")
        _check_skip(vendor, settings)
        with self._lock:
            robot = self._robots.setdefault((platform, token), self._build(vendor, token, settings))
        robot.configure(**{name: getattr(settings, name) for name in settings.__slots__})
        return robot

    def remove(self, platform: str, token: str) -> Robot | None:
        """Delete a robot, as somebody in its group might: from now on its token is unknown."""
        with self._lock:
            return self._robots.pop((platform, token), None)

    def answer_unknown(self, platform: str, code: Code, text: str | None = None) -> None:
        """Answer unknown tokens of a platform with another code than today's usual one."""
        self._unknown[platform] = Refusal(code, text)

    def open(self, head: Head) -> Handler | None:
        """Who takes this request; ``None``: the robot resets the connection.

        Raises:
            LookupError: the path belongs to no platform.
        """
        for vendor in VENDORS.values():
            token = vendor.token(head)
            if token is not None:
                return self._handler(vendor, token, head)
        raise LookupError(head.path)

    def _handler(self, vendor: Vendor, token: str, head: Head) -> Handler | None:
        robot = self.find(vendor.name, token) or self._opened(vendor, token, head)
        if robot is None:
            return partial(self._stray, vendor, token)
        return robot.receive if robot.opens() else None

    def _opened(self, vendor: Vendor, token: str, head: Head) -> Robot | None:
        """A new robot for an unknown token, where that is allowed; notices need no token."""
        if not (self._permissive or vendor.name == Notice.name) or len(self._robots) >= MAX_OPENED:
            return None
        if head.method != "POST":
            return None
        try:
            return self.make(vendor.name, token, Settings())
        except BadSettingError:
            return None

    def _stray(self, vendor: Vendor, token: str, request: Request) -> Reply:
        call = Call(request, Settings(), RateGauge(), self._clock())
        unknown = self._unknown.get(vendor.name, Refusal(vendor.unknown))
        refusal = vendor.stray(request.head, unknown)
        text = refusal_text(vendor, refusal)
        self.strays.record(
            lambda number: Arrival(
                number=number,
                at=call.now,
                platform=vendor.name,
                robot=token,
                accepted=False,
                code=refusal.code,
                text=text,
                payload=call.payload,
                size=len(request.body),
                peer=request.head.peer,
                headers=request.head.headers,
            )
        )
        return Reply(vendor.refuse(refusal, text, request, call.now))


def _check_skip(vendor: Vendor, settings: Settings) -> None:
    unknown = sorted(settings.skip - vendor.checks.keys())
    if unknown:
        raise BadSettingError(
            f"skip names {', '.join(unknown)}; expected some of {vendor.name}'s: {', '.join(vendor.checks)}"
        )
