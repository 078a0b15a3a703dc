"""``pushserver send``: a push from the shell, and what became of it."""

import time
from dataclasses import dataclass
from typing import Any, BinaryIO

from pushserver.cli import exit_codes, screen
from pushserver.cli.client import Client, Json
from pushserver.cli.errors import CommandFailed
from pushserver.cli.outcome import exit_code, progress_line, render
from pushserver.cli.waiting import Look, looks

_LONGEST_MESSAGE = 1024 * 1024
"""Bytes; a longer one the service would refuse."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent; what is empty is left to the service."""

    recipient: str
    title: str
    msg: str
    type: str
    strategy: str
    platform: str
    style: str

    def as_push(self) -> dict[str, Any]:
        """The body of ``POST /api/v1/push``."""
        named = {"recipient_alias": self.recipient, "content": {"title": self.title, "msg": self.msg}}
        choices = ("type", "strategy", "platform", "style")
        return named | {name: getattr(self, name) for name in choices if getattr(self, name)}


def message(given: str, stdin: BinaryIO) -> str:
    """The text given, or for an empty one or ``-`` what stdin has.

    Raises:
        CommandFailed: there is neither, or stdin has no text.
    """
    if given not in {"", "-"}:
        return given
    if stdin.isatty() and not given:
        raise CommandFailed("缺少消息内容，请用 --msg 给出，或从标准输入传入", exit_codes.USAGE)
    data = stdin.read(_LONGEST_MESSAGE + 1)
    if len(data) > _LONGEST_MESSAGE:
        raise CommandFailed("消息内容过长，最多 1 MiB", exit_codes.USAGE)
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise CommandFailed("标准输入不是 UTF-8 文本", exit_codes.USAGE) from None


def send(order: Order, url: str, timeout: float | None, *, as_json: bool) -> int:
    """Submit the order, wait up to ``timeout`` seconds (``None``: not at all), show the outcome.

    The exit code is that of the task.
    """
    client = Client(url)
    task_id = client.push(order.as_push())
    if timeout is None:
        if as_json:
            screen.show_json({"task_id": task_id})
        else:
            print(task_id)
        return exit_codes.OK
    try:
        last = _watch(client, task_id, timeout)
    except KeyboardInterrupt:
        screen.say(f"任务仍在进行，稍后查询: {screen.PROGRAM} task {task_id}")
        return exit_codes.ended_by(2)
    return _conclude(task_id, last, as_json=as_json)


def show(task_id: str, url: str, *, as_json: bool) -> int:
    """Show a task as it stands; the exit code is that of the task."""
    task = Client(url).task(task_id)
    _print(task, as_json=as_json)
    return exit_code(task)


def _watch(client: Client, task_id: str, timeout: float) -> Look:
    last = Look(None, 0.0)
    with screen.err().status("推送中") as live:
        for last in looks(client, task_id, timeout, time.monotonic, time.sleep):
            live.update(progress_line(last.task, last.elapsed))
    return last


def _conclude(task_id: str, last: Look, *, as_json: bool) -> int:
    if last.task is not None:
        _print(last.task, as_json=as_json)
    if last.final and last.task is not None:
        return exit_code(last.task)
    raise CommandFailed(
        f"{last.elapsed:.0f} 秒内没有结果，稍后查询: {screen.PROGRAM} task {task_id}", exit_codes.UNFINISHED
    )


def _print(task: Json, *, as_json: bool) -> None:
    if as_json:
        screen.show_json(task)
    else:
        screen.out().print(render(task))
