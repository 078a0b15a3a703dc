import ast
import socket
from pathlib import Path

import pytest

import pushserver.sandbox
from pushserver.sandbox import BadSettingError, NotRunningError, Sandbox, Settings
from pushserver.sandbox.registry import MAX_OPENED
from tests.sandbox.calling import call, post

FEISHU = {"msg_type": "text", "content": {"text": "hi"}}
OTHER = {"msgtype": "text", "text": {"content": "hi"}}


def test_it_imports_nothing_of_what_it_tests() -> None:
    imported = set()
    for path in Path(pushserver.sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    ours = {name for name in imported if name.split(".")[0] in {"pushserver", "actors"}}
    assert ours
    assert {name for name in ours if not name.startswith("pushserver.sandbox")} == set()


def test_a_permissive_sandbox_makes_a_robot_of_any_token() -> None:
    with Sandbox(open=True) as sandbox:
        assert post(sandbox.url + "/open-apis/bot/v2/hook/a", FEISHU).json["code"] == 0
        assert post(sandbox.url + "/robot/send?access_token=b", OTHER).json["errcode"] == 0
        assert post(sandbox.url + "/cgi-bin/webhook/send?key=c", OTHER).json["errcode"] == 0
        assert [(robot.platform, robot.token, robot.count) for robot in sandbox.robots] == [
            ("feishu", "a", 1),
            ("dingtalk", "b", 1),
            ("wechat", "c", 1),
        ]


def test_a_permissive_sandbox_still_wants_a_token() -> None:
    with Sandbox(open=True) as sandbox:
        assert post(sandbox.url + "/open-apis/bot/v2/hook/", FEISHU).json["code"] == 19001
        assert post(sandbox.url + "/robot/send", OTHER).json["errcode"] == 40035
        assert post(sandbox.url + "/cgi-bin/webhook/send?key=", OTHER).json["errcode"] == 93000
        assert call("GET", sandbox.url + "/robot/send?access_token=b").json["errcode"] == 43002
        assert sandbox.robots == []


def test_a_permissive_sandbox_does_not_grow_without_end() -> None:
    with Sandbox(open=True) as sandbox:
        for number in range(MAX_OPENED):
            sandbox.feishu(f"t{number}")
        assert post(sandbox.url + "/open-apis/bot/v2/hook/more", FEISHU).json["code"] == 19001


def test_a_removed_robot_is_unknown(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    sandbox.remove(robot)
    assert post(robot.url, FEISHU).json["code"] == 19001


def test_a_robot_made_twice_is_one_set_up_anew(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t", secret="s")
    post(robot.url, FEISHU)
    again = sandbox.feishu("t")
    assert again is robot
    assert (robot.settings.secret, len(robot.arrivals)) == (None, 1)


@pytest.mark.parametrize("token", ["", "a/b", "a b", "a&b", "x" * 129])
def test_a_token_has_to_fit_into_a_url(sandbox: Sandbox, token: str) -> None:
    with pytest.raises(BadSettingError, match="expected 1 to 128 characters"):
        sandbox.wechat(token)


def test_senseless_settings_say_what_would_make_sense(sandbox: Sandbox) -> None:
    with pytest.raises(BadSettingError, match="expected one of feishu, dingtalk, wechat, notice"):
        sandbox.robot("slack", "t", Settings())
    with pytest.raises(BadSettingError, match=r"'10\.0\.0\.\*'; expected an address or a network"):
        sandbox.feishu("t", allowed_ips=["10.0.0.*"])
    with pytest.raises(
        BadSettingError, match=r"skip names keywrod; expected some of feishu's: enabled, rate"
    ):
        sandbox.feishu("t", skip=["keywrod"])


def test_a_notice_sink_takes_any_json_without_being_made(sandbox: Sandbox) -> None:
    for body in ({"title": "t"}, [1], "text", 7):
        assert post(sandbox.notice("值班").url, body).status == 200
    assert post(sandbox.url + "/notify/other", {}).json == {"status": "ok"}
    assert post(sandbox.url + "/notify/other", b"{").status == 400
    assert call("GET", sandbox.url + "/notify/other").status == 405
    assert post(sandbox.url + "/notify/", {}).status == 404
    assert [robot.token for robot in sandbox.robots] == ["值班", "other"]
    assert sandbox.notice("值班").url == sandbox.url + "/notify/%E5%80%BC%E7%8F%AD"


def test_a_given_port_is_used_and_a_taken_one_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sandbox = Sandbox(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            sandbox.start()
    with Sandbox() as first:
        port = int(first.url.rpartition(":")[2])
    with Sandbox(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


def test_a_sandbox_can_be_started_again() -> None:
    sandbox = Sandbox()
    robot = sandbox.feishu("t")
    for _ in range(2):
        with sandbox:
            assert post(robot.url, FEISHU).json["code"] == 0
    assert robot.count == 2


def test_mail_needs_a_running_sandbox() -> None:
    with pytest.raises(NotRunningError, match="does not run"):
        Sandbox().smtp()
