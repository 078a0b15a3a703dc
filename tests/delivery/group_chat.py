"""Real webhooks before the strict sandbox, which has the vendors' published limits and the world's clock."""

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from pushserver.config import Channel, TargetSettings, Webhook
from pushserver.domain import PlatformName
from pushserver.platforms import Context, Platform, build
from pushserver.sandbox import Robot, Sandbox

_CONTEXT = Context(timeout=5.0, console=io.StringIO(), logger=logging.getLogger("tests.notices"))


@dataclass(slots=True)
class GroupChat:
    """What stands behind the endpoints of a world; nothing in it is ever held."""

    sandbox: Sandbox
    inside: Sequence[str] = ()
    robots: list[Robot] = field(default_factory=list)

    def build(self, settings: TargetSettings) -> Platform:
        return build(settings, _CONTEXT)

    def let_go(self) -> None:
        """There is nothing to let go of."""

    def channel(self, platform: PlatformName, robots: int = 1, **settings: Any) -> Channel:
        """So many robots of one platform, and our webhooks for them."""
        made = [self._robot(platform, f"token-{number}") for number in range(robots)]
        self.robots += made
        targets = tuple(
            Webhook(platform=platform, name=robot.token, url=SecretStr(robot.url), **settings)
            for robot in made
        )
        return Channel(platform=platform, targets=targets)

    def _robot(self, platform: PlatformName, token: str) -> Robot:
        match platform:
            case PlatformName.FEISHU:
                return self.sandbox.feishu(token, rate=True)
            case PlatformName.DINGTALK:
                return self.sandbox.dingtalk(token, rate=True)
            case _:
                return self.sandbox.wechat(token, rate=True)

    @property
    def refused(self) -> list[object]:
        """The codes with which robots have refused."""
        return [arrival.code for robot in self.robots for arrival in robot.arrivals if not arrival.accepted]

    @property
    def messages(self) -> list[tuple[float, str]]:
        """When people have seen what, in order: seconds since the epoch, and the words."""
        seen = [(arrival.at, arrival.words) for robot in self.robots for arrival in robot.messages]
        return sorted(seen, key=lambda message: message[0])
