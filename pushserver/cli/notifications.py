"""``pushserver notifications``: what the last line of defence has raised; read it, and put it away."""

from typing import TextIO

from pushserver.cli import exit_codes, screen
from pushserver.cli.client import Client, Json
from pushserver.cli.errors import CommandFailed
from pushserver.cli.notification_table import render_one, render_page


def show_page(status: str, limit: int, offset: int, url: str, *, as_json: bool) -> int:
    """Show up to ``limit`` of them, newest first, of one status or of any (empty)."""
    query = {"status": status, "limit": str(limit), "offset": str(offset)}
    page = Client(url).notifications({name: value for name, value in query.items() if value})
    if as_json:
        screen.show_json(page)
    else:
        screen.out().print(render_page(page, screen.out().width))
    return exit_codes.OK


def show(notification_id: str, url: str, *, as_json: bool) -> int:
    """Show one in full; that does not mark it as read."""
    data = Client(url).notification(notification_id)
    if as_json:
        screen.show_json(data["notification"])
    else:
        screen.out().print(render_one(data["notification"]), soft_wrap=True)
    return exit_codes.OK


def read(notification_id: str, url: str, *, all_of_them: bool, as_json: bool) -> int:
    """Mark one as read, or all.

    Raises:
        CommandFailed: neither is meant, or both.
    """
    if bool(notification_id) == all_of_them:
        raise CommandFailed("请给出一个通知 ID，或用 --all 标记全部", exit_codes.USAGE)
    client = Client(url)
    if all_of_them:
        data = client.mark_all_read()
        _tell(data, f"已将 {data['marked_count']} 条通知标记为已读", as_json=as_json)
    else:
        data = client.mark_read(notification_id)
        _tell(data, f"已标记为已读: {data['notification_id']}", as_json=as_json)
    return exit_codes.OK


def clear(url: str, stdin: TextIO, *, yes: bool, as_json: bool) -> int:
    """Delete all, after asking at the terminal unless that is declined with ``yes``.

    Raises:
        CommandFailed: there is nobody to ask, or the answer is no.
    """
    client = Client(url)
    if not yes:
        _ask(client.notifications({"limit": "1"})["pagination"]["total"], stdin)
    data = client.clear_notifications()
    _tell(data, f"已删除 {data['cleared_count']} 条通知", as_json=as_json)
    return exit_codes.OK


def _ask(count: int, stdin: TextIO) -> None:
    if not stdin.isatty():
        raise CommandFailed("这会删除全部系统通知；没有终端可以询问，请加 --yes 确认", exit_codes.USAGE)
    screen.err().print(f"删除全部 {count} 条系统通知，无法恢复。确定吗？[y/N] ", end="")
    if stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandFailed("没有删除任何通知")


def _tell(data: Json, text: str, *, as_json: bool) -> None:
    if as_json:
        screen.show_json(data)
    else:
        screen.show(text)
