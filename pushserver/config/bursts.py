"""What happens when more comes in than may go out: digests, and rests for what keeps failing."""

import re
from typing import Annotated, NoReturn

from pydantic import Field, PlainValidator

from pushserver.config.checks import kind_of, switch_word, unfit
from pushserver.config.kinds import Section, seconds, whole

_PERCENT = re.compile(r"(\d{1,2}(?:\.\d{1,3})?)\s*%", re.ASCII)


def parse_share(value: object) -> float | None:
    """A share as people write it, ``20%``, as 0..1; ``off`` is 0, nothing stays nothing."""
    if value is None or isinstance(value, float):
        return value
    if switch_word(value) == "off" or value == "0":
        return 0.0
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(match[1]) / 100 if match else _no_share(value)


def _no_share(value: object) -> NoReturn:
    unfit("a text that is no share" if isinstance(value, str) and value else kind_of(value))


_WRITTEN = Field(description="a share like 20%, below 100%, or off")
Share = Annotated[float, PlainValidator(parse_share), _WRITTEN]
OptionalShare = Annotated[float | None, PlainValidator(parse_share), _WRITTEN]


class DigestSettings(Section):
    """Messages that wait for budget become one: after so many seconds, or when more than ``over`` wait."""

    enabled: bool = True
    after: float = seconds(3, low=0, high=3600)
    over: int = whole(5, 1, 100_000)


class DigestChoice(Section):
    """What a recipient wants to be different; what is not written is everybody's."""

    enabled: bool | None = Field(None, description="true or false")
    after: float | None = Field(
        None, ge=0, le=3600, allow_inf_nan=False, description="a number of seconds from 0 to 3600"
    )
    over: int | None = Field(None, ge=1, le=100_000, description="a whole number from 1 to 100000")

    def instead_of(self, everybodys: DigestSettings) -> DigestSettings:
        """The settings that result."""
        return everybodys.model_copy(update=self.model_dump(exclude_none=True))


class BreakerSettings(Section):
    """When an endpoint that fails is left alone: after ``failures`` in a row, for ``rest`` seconds.

    Each rest is twice as long as the one before, up to ``max_rest``.
    """

    enabled: bool = True
    failures: int = whole(5, 1, 1000)
    rest: float = seconds(5, high=3600)
    max_rest: float = seconds(300, high=86_400)
