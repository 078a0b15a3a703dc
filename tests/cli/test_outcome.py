import io
from typing import Any

import pytest
from rich.console import Console

from pushserver.cli.outcome import exit_code, progress_line, render

RESULT = {"platform": "feishu", "target": "a", "status": "success", "message": "发送成功", "attempt": 1}
TASK: dict[str, Any] = {
    "task_id": "task_1",
    "status": "completed",
    "recipient": "ops",
    "type": "error",
    "strategy": "all",
    "platform": None,
    "style": "card",
    "title": "T",
    "created_at": "2024-01-01T12:00:00Z",
    "completed_at": "2024-01-01T12:00:05Z",
    "progress": {"total": 2, "success": 1, "failed": 1, "pending": 0},
    "results": [],
}


def _shown(task: dict[str, Any], *, width: int = 120) -> list[str]:
    screen = io.StringIO()
    Console(file=screen, width=width, markup=False, emoji=False, highlight=False).print(render(task))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("status", "code"), [("completed", 0), ("failed", 1), ("pending", 75), ("processing", 75), ("new", 75)]
)
def test_the_exit_code_is_that_of_the_task(status: str, code: int) -> None:
    assert exit_code({"status": status}) == code


def test_the_heading_says_how_it_stands() -> None:
    assert _shown(TASK)[0] == "✓ 已完成  task_1  1/2 送达"


def test_a_push_by_platform_shows_it_in_place_of_the_strategy() -> None:
    assert _shown(TASK | {"strategy": "platform", "platform": "email"})[1].startswith(
        "ops · platform=email · "
    )


def test_each_target_has_a_row_with_its_earlier_attempts_below() -> None:
    earlier = RESULT | {"status": "failed", "message": "发送频率受限", "code": 11232, "duration_ms": 3}
    result = RESULT | {"attempt": 2, "duration_ms": 12_345, "code": 0, "attempts": [earlier]}
    rows = [line.split() for line in _shown(TASK | {"results": [result]})[2:]]
    assert rows == [
        ["渠道", "目标", "状态", "说明", "尝试", "耗时"],
        ["feishu", "a", "✓", "成功", "发送成功", "2", "12.3", "s"],
        ["└", "第", "1", "次", "✗", "失败", "发送频率受限", "(11232)", "3", "ms"],
    ]


def test_refused_mailboxes_and_the_last_line_of_defence_are_named() -> None:
    mail = RESULT | {
        "platform": "email",
        "duration_ms": 1,
        "refused": [{"email": "gone@example.com", "code": 550, "reason": "No such user"}],
    }
    notice = RESULT | {"platform": "system", "target": "console", "fallback": True, "duration_ms": 1}
    shown = _shown(TASK | {"results": [mail, notice]})
    assert [line.split() for line in shown[4:]] == [
        ["└", "gone@example.com", "✗", "拒收", "550", "No", "such", "user"],
        ["最后防线", "console", "✓", "成功", "发送成功", "1", "1", "ms"],
    ]


def test_nothing_that_a_vendor_or_caller_wrote_is_obeyed_by_the_terminal() -> None:
    result = RESULT | {"status": "failed", "detail": "\x1b[2J[bold]x[/]\nfake", "duration_ms": 1}
    shown = "\n".join(_shown(TASK | {"title": "\x1b]0;gone\x07", "results": [result]}))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[2J[bold]x[/] fake" in shown


def test_a_long_explanation_is_wrapped_and_not_lost() -> None:
    result = RESULT | {
        "status": "failed",
        "detail": " ".join(f"word{n}" for n in range(30)),
        "duration_ms": 1,
    }
    shown = " ".join(_shown(TASK | {"results": [result]}, width=80))
    assert all(f"word{n}" in shown for n in range(30))


def test_the_live_line_counts() -> None:
    assert progress_line(TASK, 1.26) == "推送中 · 成功 1 · 失败 1 · 等待 0 · 1.3 s"
    assert progress_line(None, 2.0) == "等待服务恢复… 2.0 s"
