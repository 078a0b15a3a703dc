"""System notices as operators read them: a row each, unread ones bright; or one in full."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pushserver.cli.client import Json
from pushserver.cli.screen import single_line

WIDE = 130
"""Columns from which on the task has room, too."""
_STATUS = {"unread": ("● 未读", "bold yellow"), "read": ("○ 已读", "dim")}
_TYPES = {"info": "blue", "warning": "yellow", "error": "red"}


def render_page(page: Json, width: int) -> RenderableType:
    """The data of ``GET /api/v1/notifications`` on a screen of so many columns."""
    parts: list[RenderableType] = []
    if page["notifications"]:
        parts.append(_table(page["notifications"], wide=width >= WIDE))
    return Group(*parts, _footer(page["pagination"]))


def render_one(notification: Json) -> RenderableType:
    """An item of that, with its whole message."""
    words, style = _status(notification)
    facts = ("type", "strategy", "task_id")
    told = [_local(notification["created_at"], "%Y-%m-%d %H:%M:%S"), *(notification[name] for name in facts)]
    return Group(
        Text.assemble((words, style), "  ", (single_line(notification["title"]), "bold")),
        Text(single_line(" · ".join(told)), style="dim"),
        Text(""),
        *(Text(single_line(line)) for line in notification["message"].splitlines()),
    )


def _table(notifications: Sequence[Json], *, wide: bool) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=None, padding=(0, 2 if wide else 1, 0, 0))
    table.add_column("状态", no_wrap=True)
    table.add_column("时间", no_wrap=True)
    if wide:
        table.add_column("类型", no_wrap=True)
    table.add_column("原因", ratio=1)
    if wide:
        table.add_column("任务", no_wrap=True)
    table.add_column("ID", no_wrap=True)
    for notification in notifications:
        table.add_row(*_row(notification, wide=wide))
    return table


def _row(notification: Json, *, wide: bool) -> Sequence[Text]:
    words, style = _status(notification)
    faded = "dim" if notification["status"] == "read" else ""
    level = single_line(notification["type"])
    cells = [
        Text(words, style=style),
        Text(_local(notification["created_at"], "%m-%d %H:%M:%S"), style=faded),
        Text(single_line(notification["reason"]), style=faded),
        Text(single_line(notification["id"]), style=faded),
    ]
    if wide:
        cells.insert(2, Text(level, style=faded or _TYPES.get(level, "")))
        cells.insert(4, Text(single_line(notification["task_id"]), style=faded))
    return cells


def _status(notification: Json) -> tuple[str, str]:
    return _STATUS.get(notification["status"], (single_line(notification["status"]), ""))


def _footer(pagination: Json) -> Text:
    total, offset, count = pagination["total"], pagination["offset"], pagination["count"]
    if not count:
        return Text(
            "没有系统通知" if not total else f"共 {total} 条，从第 {offset + 1} 条起没有了", style="dim"
        )
    last = offset + count
    more = f"，更早的: --offset {last}" if last < total else ""
    return Text(f"共 {total} 条，第 {offset + 1} 到 {last} 条{more}", style="dim")


def _local(moment: str, form: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():{form}}"
