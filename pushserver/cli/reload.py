"""``pushserver reload`` and ``pushserver diff``: the configuration file into effect, or what would change."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from pushserver.cli import exit_codes, screen
from pushserver.cli.client import Client, Reload
from pushserver.cli.errors import CommandFailed

_SIGNS: Final = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_NEEDS_RESTART: Final = "需要重启服务"


def reload(url: str, *, as_json: bool) -> int:
    """Have the service reload, and show what has changed; the exit code.

    Raises:
        Unreachable: nobody answered.
        CommandFailed: it could not be told, or not every process follows yet.
    """
    return _show(Client(url).reload(), as_json=as_json)


def diff(config: Path | None, url: str, *, as_json: bool) -> int:
    """Show what a reload would change; the exit code is 0 whether or not there is something.

    Raises:
        Unreachable: nobody answered.
        CommandFailed: ``config`` cannot be read, or it could not be told.
    """
    return _show(Client(url).preview(None if config is None else _text_of(config)), as_json=as_json)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandFailed(f"无法读取 {path}（{error.strerror}）", exit_codes.CONFIG) from None
    except UnicodeDecodeError:
        raise CommandFailed(f"无法读取 {path}（不是 UTF-8 文本）", exit_codes.CONFIG) from None


def _show(found: Reload, *, as_json: bool) -> int:
    if as_json:
        shown = {"message": found.message, "changes": found.changes, "faults": found.faults}
        screen.show_json(shown)
    else:
        for line in _lines(found):
            screen.out().print(line, soft_wrap=True)
    if found.faults:
        return exit_codes.CONFIG
    return exit_codes.FAILED if found.needs_restart else exit_codes.OK


def _lines(found: Reload) -> Iterator[Text]:
    for fault in found.faults:
        yield Text.assemble(("✗ ", "bold red"), screen.single_line(fault))
    for change in found.changes:
        yield _line(change)
    bad = bool(found.faults) or found.needs_restart
    nothing = "" if found.changes or found.faults else "，没有变化"
    yield Text(f"{screen.single_line(found.message)}{nothing}", style="bold red" if bad else "bold green")


def _line(change: Mapping[str, Any]) -> Text:
    sign, style = _SIGNS.get(str(change.get("kind")), ("?", ""))
    line = Text.assemble((f"{sign} ", style), screen.single_line(str(change.get("path"))))
    if "before" in change or "after" in change:
        line.append(f": {change.get('before', '')} → {change.get('after', '')}")
    if change.get("effect") == "restart":
        line.append(f"（{_NEEDS_RESTART}）", style="yellow")
    return line
