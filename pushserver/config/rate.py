"""How often a webhook may be used, as people write it: ``5/s``, ``90/min``, ``1000/h``."""

import re
from dataclasses import dataclass

from pushserver.config.checks import kind_of, switch_word, unfit

_RATE = re.compile(r"([1-9]\d{0,6})\s*/\s*([a-z]+)", re.ASCII)
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1.0),
    **dict.fromkeys(("m", "min", "minute"), 60.0),
    **dict.fromkeys(("h", "hour"), 3600.0),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` sends in any ``seconds``."""

    count: int
    seconds: float


def parse_rates(value: object) -> tuple[Rate, ...] | None:
    """The rates of a webhook: ``None`` means the vendor's known limit, an empty tuple none at all (``off``).

    Takes a list (all of them hold at once), a single rate, or ``off``.
    """
    if value is None:
        return None
    if switch_word(value) == "off":
        return ()
    if isinstance(value, tuple) and all(isinstance(rate, Rate) for rate in value):
        return value
    if value == []:
        unfit("an empty list")
    return tuple(map(_rate, value if isinstance(value, list) else [value]))


def _rate(value: object) -> Rate:
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        unfit(kind_of(value) if not isinstance(value, str) else "a text that is no rate")
    seconds = _SECONDS.get(match[2])
    if seconds is None:
        unfit("a rate with an unknown unit")
    return Rate(int(match[1]), seconds)
