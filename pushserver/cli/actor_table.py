"""Actors as operators read them: a row each, failing ones in colour and with their last error."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pushserver.cli.client import Json
from pushserver.cli.screen import single_line

WIDE = 130
"""Columns from which on everything has room in one line."""
_COLOURS = {
    "running": "green",
    "restarting": "bold yellow",
    "stuck": "bold red",
    "stopped": "bold red",
    "sleeping": "dim",
}
_MARKS = {"running": "●", "restarting": "↻", "stuck": "✗", "stopped": "✗", "sleeping": "○"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_NUMBERS = (("待处理", "mailbox"), ("已处理", "processed"), ("失败", "failures"), ("重启", "restarts"))


def render(page: Json, width: int) -> RenderableType:
    """The data of ``GET /api/v1/actors`` on a screen of so many columns."""
    parts: list[RenderableType] = []
    if page["actors"]:
        parts.append(_table(page["actors"], wide=width >= WIDE))
    return Group(*parts, *_footer(page))


def _table(actors: Sequence[Json], *, wide: bool) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=None, padding=(0, 2 if wide else 1, 0, 0))
    table.add_column("状态", no_wrap=True)
    table.add_column("地址", overflow="fold", ratio=3 if wide else None)
    if wide:
        table.add_column("类型", no_wrap=True)
        table.add_column("PID", justify="right", no_wrap=True)
    for title, _ in _NUMBERS:
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("忙", "运行"):
        table.add_column(title, justify="right", no_wrap=True)
    if wide:
        table.add_column("最近错误", ratio=2, overflow="ellipsis", no_wrap=True)
    for actor in actors:
        for row in _rows(actor, wide=wide):
            table.add_row(*row)
    return table


def _rows(actor: Json, *, wide: bool) -> Iterator[Sequence[Text]]:
    state = actor["state"]
    colour = _COLOURS.get(state, "")
    head = [
        Text(f"{_MARKS.get(state, '?')} {state}", style=colour),
        Text(single_line(actor["address"]), style="bold" if actor["kind"] == "process" else ""),
    ]
    numbers = [_number(actor[name], loud=name in {"failures", "restarts"}) for _, name in _NUMBERS]
    times = [Text(duration(actor["busy_for"])), Text(duration(actor["uptime"]))]
    error = single_line(actor["last_error"] or "")
    if wide:
        kind = [Text(single_line(actor["kind"])), Text(str(actor["pid"] or ""))]
        yield [*head, *kind, *numbers, *times, Text(error, style=_error_style(state))]
    else:
        yield [*head, *numbers, *times]
        if error and state != "running":
            yield [Text(""), Text(f"└ {error}", style=_error_style(state))]
    if note := single_line(actor.get("note") or ""):
        yield [Text(""), Text(f"└ {note}", style="cyan")]


def _error_style(state: str) -> str:
    """What an actor has got over is no alarm."""
    return "dim" if state == "running" else "red"


def _number(value: int, *, loud: bool) -> Text:
    return Text(str(value), style="yellow" if loud and value else "")


def _footer(page: Json) -> Iterator[Text]:
    pagination = page["pagination"]
    more = "" if pagination.get("complete", True) else "+"
    if pagination["total"] == 0:
        yield Text("没有符合条件的Actor", style="dim")
    elif pagination["count"] < pagination["total"] or more:
        shown, total = pagination["count"], pagination["total"]
        yield Text(f"显示 {shown} 个，共 {total}{more} 个；用 --limit 或筛选条件查看其余", style="dim")
    for process, why in page.get("silent", {}).items():
        yield Text(f"{process} 没有应答: {single_line(why)}", style="red")


def duration(seconds: float) -> str:
    """As short as can be: ``12.3s``, ``5m03s``, ``2h07m``, ``3d04h``; nothing for no time."""
    if seconds <= 0:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"
