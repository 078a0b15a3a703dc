"""``pushserver health``: is the service fit to take a push? For container runtimes, scripts and people."""

from collections.abc import Mapping

from pushserver.cli import exit_codes, screen
from pushserver.cli.client import Client, Json


def health(url: str, *, as_json: bool) -> int:
    """Show what the service says of itself; the exit code is 0 only if it is well.

    Raises:
        Unreachable: nobody answered.
        CommandFailed: it is not our service.
    """
    envelope = Client(url).health()
    if as_json:
        screen.show_json(envelope)
    else:
        for line in _lines(envelope):
            screen.show(line)
    return exit_codes.OK if _is_well(envelope) else exit_codes.FAILED


def _is_well(envelope: Json) -> bool:
    return bool(envelope["data"]["status"] == "healthy")


def _lines(envelope: Json) -> list[str]:
    """What it says, why, and each check that has something to say."""
    reason = envelope.get("error")
    first = f"{envelope.get('message')}: {reason}" if reason else str(envelope.get("message"))
    checks = envelope["data"].get("checks")
    named = checks.items() if isinstance(checks, Mapping) else ()
    return [first, *(f"{name}: {_check(check)}" for name, check in named)]


def _check(check: object) -> str:
    if not isinstance(check, Mapping):
        return str(check)
    return ", ".join(f"{name} {_value(value)}" for name, value in check.items())


def _value(value: object) -> str:
    if isinstance(value, list):
        return "、".join(map(str, value)) or "-"
    return str(value)
