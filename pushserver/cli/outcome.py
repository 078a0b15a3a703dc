"""A task as people read it: a heading and a row for each target, failures in red."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pushserver.cli import exit_codes
from pushserver.cli.client import Json
from pushserver.cli.screen import single_line

_STATUS = {
    "pending": ("… 等待中", "yellow"),
    "processing": ("… 处理中", "yellow"),
    "completed": ("✓ 已完成", "bold green"),
    "failed": ("✗ 失败", "bold red"),
}
_RESULT = {"success": ("✓ 成功", "green"), "failed": ("✗ 失败", "red")}
_CODES = {"completed": exit_codes.OK, "failed": exit_codes.FAILED}


def exit_code(task: Json) -> int:
    """0 for a completed task, 1 for a failed one, else "ask again"."""
    return _CODES.get(task["status"], exit_codes.UNFINISHED)


def progress_line(task: Json | None, elapsed: float) -> str:
    """How far a task is, in one line; ``None`` while the service cannot be reached."""
    if task is None:
        return f"等待服务恢复… {elapsed:.1f} s"
    progress = task["progress"]
    return (
        f"推送中 · 成功 {progress['success']} · 失败 {progress['failed']} · 等待 {progress['pending']}"
        f" · {elapsed:.1f} s"
    )


def render(task: Json) -> RenderableType:
    """The whole task."""
    parts: list[RenderableType] = [_heading(task), _facts(task)]
    if task["results"]:
        parts.append(_table(task))
    return Group(*parts)


def _heading(task: Json) -> Text:
    status = _STATUS.get(task["status"], (task["status"], ""))
    progress = task["progress"]
    return Text.assemble(status, f"  {task['task_id']}  {progress['success']}/{progress['total']} 送达")


def _facts(task: Json) -> Text:
    how = task["strategy"] if task.get("platform") is None else f"platform={task['platform']}"
    facts = (task["recipient"], how, task["type"], task["style"], task["title"], _span(task))
    return Text(single_line(" · ".join(facts)), style="dim", overflow="ellipsis", no_wrap=True)


def _span(task: Json) -> str:
    begin, end = task["created_at"], task.get("completed_at")
    return f"{_local(begin)} → {_local(end)}" if end else f"{_local(begin)} →"


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"


def _table(task: Json) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=None, padding=(0, 2, 0, 0))
    table.add_column("渠道", no_wrap=True)
    table.add_column("目标")
    table.add_column("状态", no_wrap=True)
    table.add_column("说明", ratio=1)
    table.add_column("尝试", justify="right", no_wrap=True)
    table.add_column("耗时", justify="right", no_wrap=True)
    for row in _rows(task):
        table.add_row(*row)
    return table


def _rows(task: Json) -> Iterator[tuple[Text, ...]]:
    for result in task["results"]:
        platform = "最后防线" if result.get("fallback") else result["platform"]
        attempts = [*result.get("attempts", ()), result]
        yield _row(platform, result["target"], result, str(len(attempts)))
        for earlier in result.get("attempts", ()):
            yield _row("", f"└ 第 {earlier['attempt']} 次", earlier, "", dim=True)
        for mailbox in result.get("refused", ()):
            yield _refused(mailbox)


def _row(platform: str, target: str, result: Json, attempts: str, *, dim: bool = False) -> tuple[Text, ...]:
    words, colour = _RESULT.get(result["status"], (result["status"], ""))
    style = "dim" if dim else ""
    failed = "red" if result["status"] == "failed" and not dim else style
    return (
        Text(platform, style=style),
        Text(single_line(target), style=style),
        Text(words, style=f"dim {colour}" if dim else colour),
        Text(_explained(result), style=failed),
        Text(attempts, style=style),
        Text(_duration(result["duration_ms"]), style=style),
    )


def _refused(mailbox: Json) -> tuple[Text, ...]:
    reason = single_line(f"{mailbox['code'] or ''} {mailbox['reason']}")
    shown = (
        Text(""),
        Text(f"└ {single_line(mailbox['email'])}"),
        Text("✗ 拒收", style="red"),
        Text(reason, style="red"),
    )
    return (*shown, Text(""), Text(""))


def _explained(result: Json) -> str:
    """The message, and what the vendor said against it."""
    words = ("code", "detail") if result["status"] == "failed" else ()
    vendor = " ".join(str(result[word]) for word in words if word in result)
    return single_line(f"{result['message']} ({vendor})" if vendor else result["message"])


def _duration(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"  # noqa: PLR2004 - reads
