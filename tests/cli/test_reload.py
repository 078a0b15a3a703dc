"""``pushserver reload`` and ``pushserver diff``."""

import json
from pathlib import Path
from typing import Any

import pytest

from pushserver.cli import main
from tests.cli.scripted_api import answering, response

CHANGES = [
    {"path": "recipients.dev", "kind": "added", "effect": "reload"},
    {"path": "recipients.old", "kind": "removed", "effect": "reload"},
    {"path": "server.port", "kind": "changed", "effect": "restart", "before": "8080", "after": "9000"},
]


def envelope(code: int, message: str, **members: Any) -> bytes:
    return response(code, json.dumps({"code": code, "message": message, **members}))


APPLIED = envelope(200, "配置已重新加载", data={"changes": CHANGES[:2]})
NOTHING = envelope(200, "配置对比完成", data={"changes": []})
RESTART = envelope(409, "部分更改需要重启服务", data={"changes": CHANGES})
FAULTY = envelope(
    400, "配置无法使用: 共 1 处错误", errors=[{"field": "server.prot", "reason": "an unknown key"}]
)
UNCERTAIN = envelope(503, "配置未能及时生效", error="delivery-1 没有应答")


@pytest.mark.parametrize(
    ("answer", "code", "shown"),
    [
        (APPLIED, 0, "+ recipients.dev\n- recipients.old\n配置已重新加载\n"),
        (NOTHING, 0, "配置对比完成，没有变化\n"),
        (
            RESTART,
            1,
            (
                "+ recipients.dev\n- recipients.old\n~ server.port: 8080 → 9000（需要重启服务）\n"
                "部分更改需要重启服务\n"
            ),
        ),
        (FAULTY, 78, "✗ an unknown key\n配置无法使用: 共 1 处错误\n"),
    ],
)
@pytest.mark.parametrize("command", ["reload", "diff"])
def test_what_has_become_of_it_is_shown(
    command: str, answer: bytes, code: int, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(answer) as (url, requests):
        assert main([command, "--url", url]) == code
    assert capsys.readouterr().out == shown
    path = {"reload": b"/api/v1/reload", "diff": b"/api/v1/reload/preview"}[command]
    assert requests.get(timeout=10).startswith(b"POST " + path + b" HTTP")


def test_processes_that_do_not_follow_are_worth_another_try(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(UNCERTAIN) as (url, _):
        assert main(["reload", "--url", url]) == 75
    assert "配置未能及时生效；delivery-1 没有应答" in capsys.readouterr().err


def test_another_file_is_sent_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("recipients: {}  # 另一份\n", encoding="utf-8")
    with answering(NOTHING) as (url, requests):
        assert main(["diff", "--config", str(other), "--url", url]) == 0
    body = requests.get(timeout=10).partition(b"\r\n\r\n")[2]
    assert json.loads(body) == {"configuration": "recipients: {}  # 另一份\n"}
    capsys.readouterr()


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), (b"\xff\xfe", "不是 UTF-8 文本")]
)
def test_a_file_that_cannot_be_read_is_said(
    content: bytes | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.yaml"
    if content is not None:
        other.write_bytes(content)
    assert main(["diff", "--config", str(other), "--url", "http://127.0.0.1:1"]) == 78
    assert capsys.readouterr().err == f"pushserver: 无法读取 {other}（{why}）\n"


def test_for_programs_it_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(RESTART) as (url, _):
        assert main(["diff", "--json", "--url", url]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "message": "部分更改需要重启服务",
        "changes": CHANGES,
        "faults": [],
    }
