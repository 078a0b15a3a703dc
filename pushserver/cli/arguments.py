"""The two ways of starting that came before the commands: ``-config FILE``, and nothing at all."""

from collections.abc import Sequence

_OLD, _NEW = "-config", "--config"
_WITH_CONFIG = ("serve", "check")


def in_todays_terms(arguments: Sequence[str]) -> list[str]:
    """The arguments with a command in front.

    >>> in_todays_terms(["-config", "a.yaml"])
    ['serve', '--config', 'a.yaml']
    >>> in_todays_terms([])
    ['serve']
    """
    if not arguments:
        return ["serve"]
    first = _renamed(arguments[0])
    if _is_config(first):
        return ["serve", first, *map(_renamed, arguments[1:])]
    if first in _WITH_CONFIG:
        return [first, *map(_renamed, arguments[1:])]
    return list(arguments)


def _renamed(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return f"{_NEW}{equals}{value}" if name == _OLD else argument


def _is_config(argument: str) -> bool:
    return argument.partition("=")[0] == _NEW
