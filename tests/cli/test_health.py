import json

import pytest

from pushserver.cli import main
from tests.cli.scripted_api import answering, response

CLOSED = "http://127.0.0.1:1"
ILL = {
    "code": 503,
    "message": "服务不可用",
    "data": {
        "status": "unhealthy",
        "checks": {"delivery-0": {"state": "missing", "reason": "is not there"}, "store": "ok"},
    },
    "error": "delivery-0: is not there",
}


def test_a_service_that_is_well_says_so(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "--url", url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "服务运行正常"
    assert "store: ok" in lines


def test_one_that_is_not_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(response(503, json.dumps(ILL))) as (url, _):
        assert main(["health", "--url", url]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "服务不可用: delivery-0: is not there",
        "delivery-0: state missing, reason is not there",
        "store: ok",
    ]


def test_programs_get_the_whole_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(response(503, json.dumps(ILL))) as (url, _):
        assert main(["health", "--url", url, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == ILL


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "--url", CLOSED]) == 69
    assert "无法连接" in capsys.readouterr().err


def test_another_service(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(response(200, '{"code": 200, "data": {"up": true}}')) as (url, _):
        assert main(["health", "--url", url]) == 69
    assert "不是来自 PushServer" in capsys.readouterr().err
