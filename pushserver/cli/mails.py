"""``pushserver smtp queue``: the mails that the relay has taken; try them now, or give them up."""

from collections.abc import Sequence
from typing import TextIO

from pushserver.cli import exit_codes, screen
from pushserver.cli.client import Client, Json
from pushserver.cli.errors import CommandFailed
from pushserver.cli.mail_table import render_mails


def show_page(state: str, limit: int, offset: int, url: str, *, as_json: bool) -> int:
    """Show up to ``limit`` of them, newest first; those that wait unless another state is named."""
    query = {"state": state, "limit": str(limit), "offset": str(offset)}
    page = Client(url).mails({name: value for name, value in query.items() if value})
    if as_json:
        screen.show_json(page)
    else:
        screen.out().print(render_mails(page))
    return exit_codes.OK


def retry(mail_ids: Sequence[str], url: str, *, all_of_them: bool, as_json: bool) -> int:
    """Try some, or all, now.

    Raises:
        CommandFailed: neither is meant, or both.
    """
    if bool(mail_ids) == all_of_them:
        raise CommandFailed("请给出邮件 ID，或用 --all 重试全部", exit_codes.USAGE)
    data = Client(url).retry_mails("all" if all_of_them else list(mail_ids))
    _tell(data, f"已安排立即重试 {data['retried_count']} 封邮件", as_json=as_json)
    return exit_codes.OK


def drop(mail_ids: Sequence[str], url: str, stdin: TextIO, *, yes: bool, as_json: bool) -> int:
    """Give some up, after asking at the terminal unless that is declined with ``yes``.

    Raises:
        CommandFailed: there is nobody to ask, or the answer is no.
    """
    if not yes:
        _ask(len(mail_ids), stdin)
    data = Client(url).drop_mails(list(mail_ids))
    _tell(data, f"已放弃 {data['dropped_count']} 封邮件", as_json=as_json)
    return exit_codes.OK


def _ask(count: int, stdin: TextIO) -> None:
    if not stdin.isatty():
        raise CommandFailed("邮件将不再投递，也不退信；没有终端可以询问，请加 --yes 确认", exit_codes.USAGE)
    screen.err().print(f"放弃 {count} 封邮件，不再投递，也不退信。确定吗？[y/N] ", end="")
    if stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandFailed("没有放弃任何邮件")


def _tell(data: Json, text: str, *, as_json: bool) -> None:
    if as_json:
        screen.show_json(data)
    else:
        screen.show(text)
