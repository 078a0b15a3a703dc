"""The four levels of ``log.level``, and changing the level while the service runs."""

import logging
from collections.abc import Mapping
from types import MappingProxyType

LEVELS: Mapping[str, int] = MappingProxyType(
    {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
)
"""What each word of ``log.level`` is to the standard library."""
OURS = ("pushserver", "actors")
"""Loggers that follow ``log.level``. All others, being libraries', speak from warnings on."""
QUIET = ("waitress.queue", "urllib3", "urllib3.connectionpool", "alembic")
"""Loggers heard from errors on: they warn of the ordinary, and urllib3 quotes paths, which are tokens."""

_log = logging.getLogger(__name__)
_EXACT = {number: name for name, number in LEVELS.items()}


def name_of(number: int) -> str:
    """The word of a record's level; numbers in between count as the next lower word, critical as error."""
    return _EXACT.get(number) or _nearest(number)


def _nearest(number: int) -> str:
    return max((low, name) for name, low in LEVELS.items() if low <= max(number, logging.DEBUG))[1]


def apply(level: str) -> None:
    """Let this process's loggers speak from ``level`` (a key of :data:`LEVELS`) on."""
    logging.getLogger().setLevel(max(LEVELS[level], logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(LEVELS[level])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def current() -> str:
    """The level that is in force in this process."""
    return name_of(logging.getLogger(OURS[0]).getEffectiveLevel())


def toggled(configured: str, now: str) -> str:
    """What follows ``now`` when the level is switched: debug, and from debug back to what is configured.

    Where debug is what is configured, it is debug and info in turn.
    """
    if now != "debug":
        return "debug"
    return "info" if configured == "debug" else configured


def change(level: str) -> None:
    """Apply another level and say so, under the more talkative of the two."""
    quieter = LEVELS[level] > LEVELS[current()]
    if quieter:
        _say(level)
    apply(level)
    if not quieter:
        _say(level)


def _say(level: str) -> None:
    _log.info("日志级别改为 %s", level, extra={"action": "log_level_changed", "to": level})
