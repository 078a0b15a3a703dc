import socket

import pytest

from pushserver.cli.client import Client, Unreachable
from pushserver.cli.errors import CommandFailed
from tests.cli.scripted_api import answering, response


def test_nobody_there_is_said_with_the_place_but_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        Client(f"http://user:planted@127.0.0.1:{port}").push({})
    assert caught.value.text == f"无法连接: 127.0.0.1:{port}，请确认服务已启动，或用 --url 指定地址"
    assert caught.value.code == 69


def test_a_user_in_the_url_is_used() -> None:
    with answering(response(200, '{"code": 200, "message": "", "data": {"task_id": "t"}}')) as (
        url,
        requests,
    ):
        assert Client(url.replace("//", "//user:secret@")).push({}) == "t"
    assert b"Authorization: Basic dXNlcjpzZWNyZXQ=" in requests.get(timeout=10)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (response(502, "<html>Bad Gateway</html>"), "HTTP 502"),
        (response(200, "[]"), "HTTP 200"),
        (response(200, '{"code": "no number"}'), "HTTP 200"),
        (response(200, '{"code": 200, "data": {"id": 1}}'), "缺少 task_id"),
        (response(302, "", "Location: http://127.0.0.1:1/elsewhere"), "HTTP 302"),
    ],
)
def test_an_answer_of_somebody_else_is_recognised(answer: bytes, found: str) -> None:
    with answering(answer) as (url, _), pytest.raises(CommandFailed) as caught:
        Client(url).push({})
    assert f"的回答不是来自 PushServer（{found}）" in caught.value.text
    assert caught.value.code == 69


def test_a_busy_service_is_worth_another_try() -> None:
    busy = response(503, '{"code": 503, "message": "服务繁忙，请稍后重试"}')
    with answering(busy) as (url, _), pytest.raises(CommandFailed) as caught:
        Client(url).push({})
    assert (caught.value.text, caught.value.code) == ("服务繁忙，请稍后重试", 75)


def test_every_fault_of_a_refused_push_is_named() -> None:
    refused = response(
        400,
        '{"code": 400, "message": "请求参数错误", "errors": [{"field": "type", "reason": "a"},'
        ' {"field": "style", "reason": "b"}]}',
    )
    with answering(refused) as (url, _), pytest.raises(CommandFailed) as caught:
        Client(url).push({})
    assert caught.value.text == "请求参数错误；type: a；style: b"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://h", "http://", "http://h:99999", "http://[::1"])
def test_what_is_no_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        Client(url)
    assert caught.value.code == 2


def test_a_proxy_for_the_world_does_not_get_what_is_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with answering(response(200, '{"code": 200, "message": "", "data": {"task_id": "t"}}')) as (url, _):
        assert Client(url).push({}) == "t"
