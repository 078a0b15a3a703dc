import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from actors import State
from pushserver.cli import main, screen
from pushserver.cli.actor_table import duration, render
from pushserver.cli.actors import Filters, watch
from pushserver.cli.options import ActorState
from pushserver.sandbox import Sandbox
from pushserver.service import Service
from tests.cli.scripted_api import answering, response

ENDPOINT = "/main-0/recipients/ops/feishu/first"
CLOSED = "http://127.0.0.1:1"


def actor(**changes: Any) -> dict[str, Any]:
    return {
        "address": "/delivery-0/recipients/ops_alert/feishu/主告警机器人",
        "kind": "endpoint",
        "state": "stuck",
        "process": "delivery-0",
        "pid": 4711,
        "mailbox": 12,
        "processed": 345,
        "failures": 6,
        "restarts": 7,
        "last_error": "ActorFailed: busy with one message for more than 13 s",
        "last_error_at": "2024-01-01T12:00:00Z",
        "note": None,
        "busy_for": 13.2,
        "uptime": 7384.0,
    } | changes


def page(*actors: dict[str, Any], total: int | None = None, **more: Any) -> dict[str, Any]:
    amount = len(actors) if total is None else total
    return {
        "actors": [*actors],
        "pagination": {"total": amount, "limit": 100, "offset": 0, "count": len(actors)},
    } | more


def shown(data: dict[str, Any], width: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    screen.out().print(render(data, width), width=width)
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def awake(service: Service, sandbox: Sandbox, url: str) -> Iterator[str]:
    """The service's address, with ``first`` awake."""
    assert main(["send", "-r", "ops", "-t", "T", "-m", "M", "--url", url]) == 0
    yield url
    sandbox.feishu("first").clear()


# A real service --------------------------------------------------------------------------------------


def test_actors_are_listed_with_their_process(awake: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["actors", "--url", awake]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["状态", "地址", "类型", "PID"]
    assert lines[1].split()[:4] == ["●", "running", "/main-0", "process"]
    assert any(ENDPOINT in line and "endpoint" in line for line in lines)


def test_filters_are_handed_on(awake: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    filters = ["--state", "running", "--kind", "endpoint", "--recipient", "ops", "--address", ENDPOINT]
    assert main(["actors", *filters, "--limit", "5", "--json", "--url", awake]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [item["address"] for item in data["actors"]] == [ENDPOINT]
    assert data["pagination"] == {"total": 1, "limit": 5, "offset": 0, "count": 1}


def test_nobody_who_matches_is_said_in_words(awake: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["actors", "--state", "stuck", "--url", awake]) == 0
    assert capsys.readouterr().out == "没有符合条件的Actor\n"


def test_a_restart_is_told_and_counted(awake: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["actors", "restart", "recipients/ops/feishu/first", "--url", awake, "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    assert before["address"] == ENDPOINT
    assert main(["actors", "--url", awake, "restart", ENDPOINT]) == 0
    assert capsys.readouterr().out == f"{ENDPOINT} 已重启，累计 {before['restarts'] + 1} 次\n"


def test_one_that_sleeps_is_not_restarted(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actors", "restart", "recipients/ops/feishu/second", "--url", url]) == 0
    assert capsys.readouterr().out == "/main-0/recipients/ops/feishu/second 在休眠，无需重启\n"


def test_a_wrong_address_is_a_failure_with_what_may_have_been_meant(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["actors", "restart", "recipients/opps", "--url", url]) == 1
    assert capsys.readouterr().err == "pushserver: Actor不存在；是否想写 ops？\n"
    assert main(["actors", "--address", "/delivery-7", "--url", url]) == 1
    assert capsys.readouterr().err == "pushserver: Actor不存在；是否想写 /main-0？\n"


def test_the_whole_service_is_not_restarted_by_itself(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actors", "restart", "/main-0", "--url", url]) == 1
    assert "/main-0 是整个服务，无法单独重启" in capsys.readouterr().err


def test_nobody_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actors", "--url", CLOSED]) == 69
    assert "无法连接: 127.0.0.1:1" in capsys.readouterr().err


def test_an_unknown_state_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actors", "--state", "ill"]) == 2


# Again and again -------------------------------------------------------------------------------------


def interrupted_after(looks: int) -> Any:
    """A pause that is Ctrl-C the last time."""
    pauses = count(1)

    def pause(_: float) -> None:
        if next(pauses) == looks:
            raise KeyboardInterrupt

    return pause


def ok(data: dict[str, Any]) -> bytes:
    return response(200, json.dumps({"code": 200, "message": "", "data": data}))


def test_watching_looks_again_and_waits_for_a_service_that_is_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers = [ok(page(actor(state="running"))), b"", ok(page(actor()))]
    with answering(*answers) as (url, _):
        assert watch(Filters(), url, as_json=False, pause=interrupted_after(3)) == 0
    out = capsys.readouterr().out
    assert out.index("● running") < out.index("等待服务恢复…") < out.index("✗ stuck")


def test_watching_in_json_is_a_line_a_look(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(ok(page(actor())), b"", ok(page())) as (url, _):
        assert watch(Filters(), url, as_json=True, pause=interrupted_after(3)) == 0
    said = capsys.readouterr()
    assert [len(json.loads(line)["actors"]) for line in said.out.splitlines()] == [1, 0]
    assert "无法连接" in said.err


# What it looks like ----------------------------------------------------------------------------------


def test_on_a_wide_screen_all_of_it_stands_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    _, line = shown(page(actor()), 180, capsys)
    assert " ".join(line.split()) == (
        "✗ stuck /delivery-0/recipients/ops_alert/feishu/主告警机器人 endpoint 4711 12 345 6 7 13.2s 2h03m "
        "ActorFailed: busy with one message for more than 13 s"
    )


@pytest.mark.parametrize("width", [80, 100, 129])
def test_on_a_narrow_screen_nothing_is_cut_off(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    long = actor(address="/delivery-0/recipients/" + "x" * 60, mailbox=10_000, processed=9_999_999)
    lines = shown(page(long), width, capsys)
    assert max(len(line.rstrip()) for line in lines) <= width
    text = "".join(part for line in lines for part in line.split() if "└" not in part)
    assert "9999999" in text
    assert "2h03m" in text
    assert sum(line.count("x") for line in lines) >= 60


def test_on_a_narrow_screen_the_error_of_a_failing_one_stands_below_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(page(actor(), actor(state="running", last_error="long ago")), 80, capsys)
    assert any("└ ActorFailed: busy" in line for line in lines)
    assert not any("long ago" in line for line in lines)


@pytest.mark.parametrize("width", [80, 180])
def test_what_an_actor_has_to_say_stands_below_it(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    note = "12 waiting, next in 4 s (budget)"
    lines = shown(page(actor(state="running", last_error=None, note=note)), width, capsys)
    assert " ".join(" ".join(lines).split("└", 1)[1].split()).startswith(note[:20])


def test_what_is_not_shown_and_who_is_silent_is_said_below(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(page(actor(), total=7, silent={"delivery-1": "is not there"}), 160, capsys)
    assert lines[-2:] == [
        "显示 1 个，共 7 个；用 --limit 或筛选条件查看其余",
        "delivery-1 没有应答: is not there",
    ]


def test_more_than_could_be_counted_is_said_to_be_more(capsys: pytest.CaptureFixture[str]) -> None:
    data = page(actor())
    data["pagination"] |= {"total": 60_000, "complete": False}
    assert shown(data, 160, capsys)[-1].startswith("显示 1 个，共 60000+ 个")


def test_a_terminal_obeys_nothing_that_an_error_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(page(actor(last_error="\x1b[2Jboo\n[bold]x")), 180, capsys)
    assert len(lines) == 2
    assert "[2Jboo [bold]x" in lines[1]
    assert "\x1b" not in lines[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, ""),
        (0.04, "0.0s"),
        (59.9, "59.9s"),
        (60, "1m00s"),
        (3599.9, "59m59s"),
        (3600, "1h00m"),
        (86_399, "23h59m"),
        (86_400, "1d00h"),
        (1_000_000, "11d13h"),
    ],
)
def test_a_duration_is_as_short_as_can_be(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_states_are_those_of_the_runtime() -> None:
    assert [state.value for state in ActorState] == [state.value for state in State]
