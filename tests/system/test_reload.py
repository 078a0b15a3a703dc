"""A configuration that changes under a service at work: what has changed begins anew, nobody else notices."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from pushserver.config.api_key import hash_of, new_key
from pushserver.sandbox import Sandbox
from tests.system.actor_list import begun_anew, lives
from tests.system.api_client import push_body
from tests.system.conftest import Serve
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, Setup, group, notices, setup

RELOAD = "/api/v1/reload"


def rewrite(server: PushServer, content: Setup) -> None:
    server.config.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def reload(
    server: PushServer, content: Setup, status: int = 200, shown: dict[str, str] | None = None
) -> dict[str, Any]:
    rewrite(server, content)
    answer = server.client.ask("POST", RELOAD, headers=shown)
    assert answer.status == status, answer.body.decode()
    return answer.envelope


@pytest.mark.parametrize("processes", [INLINE, {"shutdown_timeout": 10}], ids=["inline", "processes"])
def test_recipients_come_change_and_go(
    serve: Serve, sandbox: Sandbox, tmp_path: Path, processes: Setup
) -> None:
    one, two = sandbox.feishu("one"), sandbox.feishu("two")
    recipients = {name: {"feishu": group(one)} for name in ("stays", "changes", "goes")}
    server = serve(setup(tmp_path, recipients, processes=processes))
    for name in recipients:
        server.client.outcome(name)
    before = lives(server)
    changed = {
        "stays": recipients["stays"],
        "changes": {"feishu": group(two)},
        "comes": {"feishu": group(two)},
    }
    envelope = reload(server, setup(tmp_path, changed, processes=processes))
    assert {(change["path"], change["kind"]) for change in envelope["data"]["changes"]} == {
        ("recipients.comes", "added"),
        ("recipients.goes", "removed"),
        ("recipients.changes.platforms.feishu.one", "removed"),
        ("recipients.changes.platforms.feishu.two", "added"),
    }
    for name, target in {"stays": "one", "changes": "two", "comes": "two"}.items():
        assert [item["target"] for item in server.client.outcome(name)["results"]] == [target]
    refused = server.client.ask("POST", "/api/v1/push", push_body("goes"))
    assert refused.envelope["message"] == "接收者不存在: goes"
    after = lives(server)
    # One that is gone does begin anew, without channels: there may be tasks that it owes an end.
    same = {a: life for a, life in before.items() if a in after and "recipients/goes" not in a}
    assert {address.rpartition("recipients/")[2] for address in begun_anew(same, after)} <= {
        "changes",
        "changes/feishu",
    }
    assert any("recipients/stays/feishu/one" in address for address in same)


def test_what_is_in_hand_is_finished_and_what_waits_goes_the_new_way(
    serve: Serve, sandbox: Sandbox, tmp_path: Path
) -> None:
    old, new = sandbox.feishu("old"), sandbox.feishu("new")
    server = serve(setup(tmp_path, {"ops": {"feishu": group(old)}}, processes=INLINE))
    old.hang()
    first = server.client.push("ops", title="first")
    old.wait(1)
    second = server.client.push("ops", title="second")
    reload(server, setup(tmp_path, {"ops": {"feishu": group(new)}}, processes=INLINE))
    old.release()
    assert [item["target"] for item in server.client.ended(first)["results"]] == ["old"]
    assert [item["target"] for item in server.client.ended(second)["results"]] == ["new"]
    assert (old.count, new.count) == (1, 1)


def test_tasks_of_a_recipient_that_is_gone_end_and_raise_the_last_line(
    serve: Serve, sandbox: Sandbox, tmp_path: Path
) -> None:
    robot, alarm = sandbox.feishu("gone-robot"), sandbox.notice("alarm")
    content = setup(
        tmp_path,
        {"gone": {"feishu": group(robot)}, "stays": {"feishu": group(robot)}},
        queue={"retry_count": 5, "retry_delay": 60},
        processes=INLINE,
        system=notices({"type": "http", "url": alarm.url}),
    )
    server = serve(content)
    robot.fail(9499, times=None)
    task_id = server.client.push("gone")
    until(lambda: server.client.task(task_id)["results"], "it has been tried")
    del content["recipients"]["gone"]
    reload(server, content)
    assert server.client.ended(task_id)["status"] == "failed"
    alarm.wait(1)


def test_with_any_fault_everything_stays_as_it_is(serve: Serve, sandbox: Sandbox, tmp_path: Path) -> None:
    robot = sandbox.feishu("steady")
    content = setup(tmp_path, {"ops": {"feishu": group(robot)}}, processes=INLINE)
    server = serve(content)
    before = lives(server)
    wrong = {**content, "recipients": {}, "sever": {"port": 1}}
    envelope = reload(server, wrong, 400)
    assert [error["field"] for error in envelope["errors"]] == ["sever"]
    other_port = {**content, "recipients": {}, "server": {"host": "127.0.0.1", "port": 1}}
    envelope = reload(server, other_port, 409)
    assert [change["path"] for change in envelope["data"]["changes"] if change["effect"] == "restart"] == [
        "server.port"
    ]
    server.config.unlink()
    assert server.client.ask("POST", RELOAD).status == 400
    assert server.client.outcome("ops")["status"] == "completed"
    assert begun_anew(before, lives(server)) == set()
    assert [line["level"] for line in server.logged("config_reload_failed")] == ["error"] * 3


def test_a_signal_reloads_and_a_process_that_is_born_later_goes_by_it_too(
    serve: Serve, sandbox: Sandbox, tmp_path: Path
) -> None:
    robot = sandbox.feishu("late")
    content = setup(tmp_path, {"ops": {"feishu": group(robot)}}, processes={"delivery": 1, "gateway": 1})
    server = serve(content)
    content["recipients"]["late"] = content["recipients"]["ops"]
    rewrite(server, content)
    server.signal(signal.SIGHUP)
    until(lambda: server.logged("config_reloaded"), "it has been reloaded")
    for process in ("gateway-0", "delivery-0"):
        replaced(server, process)
    assert server.client.outcome("late")["status"] == "completed"
    assert [(line["changed"], line["paths"]) for line in server.logged("config_reloaded")] == [
        (1, ["recipients.late"])
    ]


def test_keys_come_into_effect_in_every_process(serve: Serve, sandbox: Sandbox, tmp_path: Path) -> None:
    key = new_key()
    content = setup(
        tmp_path,
        {"ops": {"feishu": group(sandbox.feishu("guarded"))}},
        processes={"delivery": 1, "gateway": 2},
    )
    server = serve(content)
    content["auth"] = {"keys": [{"name": "ci", "hash": hash_of(key), "scopes": ["push", "operate"]}]}
    reload(server, content)
    body = b'{"recipient_alias": "ops", "content": {"title": "T", "msg": "M"}}'
    shown = {"Authorization": f"Bearer {key}"}
    assert {server.client.ask("POST", "/api/v1/push", body).status for _ in range(20)} == {401}
    assert {server.client.ask("POST", "/api/v1/push", body, shown).status for _ in range(20)} == {200}
    del content["auth"]
    reload(server, content, shown=shown)
    assert {server.client.ask("POST", "/api/v1/push", body).status for _ in range(20)} == {200}


@pytest.mark.parametrize("reborn", [False, True], ids=["told", "born later"])
def test_secrets_that_are_new_are_hidden_too(
    serve: Serve, sandbox: Sandbox, tmp_path: Path, *, reborn: bool
) -> None:
    robot = sandbox.feishu("planted-token-of-a-new-robot")
    log = {"file_path": str(tmp_path / "log" / "app.log"), "level": "debug"}
    content = setup(tmp_path, {"ops": {}}, processes={"delivery": 1, "gateway": 1}, log=log)
    server = serve(content)
    content["recipients"]["ops"] = {"platforms": {"feishu": group(robot, name="robot")}}
    reload(server, content)
    if reborn:
        for process in ("delivery-0", "gateway-0"):
            replaced(server, process)
    restart_with(server, robot.token)
    assert server.client.outcome("ops")["status"] == "completed"
    assert "运维操作" in server.logs
    assert robot.token not in server.logs


def restart_with(server: PushServer, planted: str) -> None:
    """Have the log tell of something that a caller has named."""
    server.client.ask("POST", "/api/v1/actors/restart", json.dumps({"address": f"/x/{planted}"}).encode())


def replaced(server: PushServer, process: str) -> None:
    """Kill one, and wait for the one that takes its place."""
    killed = server.worker(process)
    os.kill(killed, signal.SIGKILL)
    until(lambda: server.worker(process) != killed, "there is another one")
    until(server.client.healthy, "all processes are back")
