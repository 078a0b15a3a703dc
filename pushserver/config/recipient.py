"""Who can be pushed to: a recipient's usable channels and their targets, in the order of the file."""

from pydantic import BaseModel, ConfigDict

from pushserver.config.bursts import DigestSettings
from pushserver.config.targets import TargetSettings
from pushserver.domain import PlatformName


class Channel(BaseModel):
    """An enabled channel with at least one target; targets in the order of the file, their names differ."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    platform: PlatformName
    targets: tuple[TargetSettings, ...]


class Recipient(BaseModel):
    """A recipient. Without channels it is known, but every push to it is refused."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    alias: str
    name: str
    channels: tuple[Channel, ...] = ()
    digest: DigestSettings = DigestSettings()

    def channel(self, platform: PlatformName) -> Channel | None:
        """The recipient's channel on a platform, if it has one."""
        return next((channel for channel in self.channels if channel.platform is platform), None)
