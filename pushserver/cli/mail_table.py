"""The relay's mails as operators read them: a row each, with what those wait for who have not got it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pushserver.cli.client import Json
from pushserver.cli.screen import single_line

_STATES = {
    "waiting": ("等待", "yellow"),
    "delivered": ("送达", "green"),
    "bounced": ("退信", "red"),
    "expired": ("过期", "red"),
    "dropped": ("放弃", "dim"),
}


def render_mails(page: Json) -> RenderableType:
    """The data of ``GET /api/v1/smtp-relay/queue``."""
    parts: list[RenderableType] = [_table(page["mails"])] if page["mails"] else []
    return Group(*parts, _footer(page["pagination"]))


def _table(mails: Sequence[Json]) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=None, padding=(0, 2, 0, 0))
    for title in ("收到", "下次", "状态"):
        table.add_column(title, no_wrap=True)
    table.add_column("主题 / 原因", ratio=1)
    table.add_column("ID", no_wrap=True)
    for mail in mails:
        table.add_row(
            _local(mail["received_at"]),
            _local(mail["next_try_at"]) if mail["next_try_at"] else "",
            Text("，").join(_states(mail)),
            _told(mail),
            Text(single_line(mail["id"])),
        )
    return table


def _states(mail: Json) -> Iterator[Text]:
    for state, count in Counter(recipient["state"] for recipient in mail["recipients"]).items():
        words, style = _STATES.get(state, (single_line(state), ""))
        yield Text(f"{words} {count}", style=style)


def _told(mail: Json) -> Text:
    """The subject, and why the first of those who wait, or got nothing, does."""
    lines = [Text(single_line(mail["subject"]) or "（无主题）")]
    for recipient in mail["recipients"]:
        if recipient["reason"] and recipient["state"] != "delivered":
            code = f"{recipient['code']} " if recipient["code"] is not None else ""
            reason = f"{recipient['email']}: {code}{recipient['reason']}"
            lines.append(Text(single_line(reason), style="dim"))
            break
    return Text("\n").join(lines)


def _footer(pagination: Json) -> Text:
    total, offset, count = pagination["total"], pagination["offset"], pagination["count"]
    if not count:
        return Text("没有邮件" if not total else f"共 {total} 封，从第 {offset + 1} 封起没有了", style="dim")
    last = offset + count
    more = f"，更早的: --offset {last}" if last < total else ""
    return Text(f"共 {total} 封，第 {offset + 1} 到 {last} 封{more}", style="dim")


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%m-%d %H:%M:%S}"
