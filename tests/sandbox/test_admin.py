import json
import smtplib
from typing import Any

import pytest

from pushserver.sandbox import Sandbox
from tests.sandbox.calling import Answered, call, post

TEXT = {"msg_type": "text", "content": {"text": "hi"}}


@pytest.fixture
def admin(sandbox: Sandbox) -> str:
    return sandbox.url + "/sandbox"


def made(admin: str, **fields: Any) -> Answered:
    return post(admin + "/robots", {"platform": "feishu", "token": "t", **fields})


def test_a_robot_is_made_shown_changed_and_deleted(sandbox: Sandbox, admin: str) -> None:
    answer = made(admin, secret="s", keywords=["告警"])
    assert answer.status == 200
    assert answer.json == {
        "platform": "feishu",
        "token": "t",
        "url": sandbox.url + "/open-apis/bot/v2/hook/t",
        "signed": True,
        "keywords": ["告警"],
        "allowed_ips": None,
        "rate": False,
        "stopped": False,
        "faults": [],
        "count": 0,
        "accepted": 0,
    }
    assert call("GET", admin + "/robots").json == {"robots": [answer.json]}
    changes = {"secret": None, "keywords": [], "allowed_ips": ["127.0.0.0/8"], "stopped": True, "rate": True}
    changed = call("PATCH", admin + "/robots/feishu/t", changes).json
    assert changed == {
        **answer.json,
        "signed": False,
        "keywords": [],
        "allowed_ips": ["127.0.0.0/8"],
        "stopped": True,
        "rate": True,
    }
    assert call("GET", admin + "/robots/feishu/t").json == changed
    assert post(changed["url"], TEXT).json["code"] == 19007
    assert call("DELETE", admin + "/robots/feishu/t").json == {"deleted": True}
    assert post(changed["url"], TEXT).json["code"] == 19001


def test_a_rate_can_be_set(admin: str) -> None:
    rate = {"windows": [[1, 60]], "lock": 600, "code": 9499, "text": "too many request"}
    url = made(admin, rate=rate).json["url"]
    assert [post(url, TEXT).json["msg"] for _ in range(2)] == ["success", "too many request"]


def test_checks_can_be_skipped(admin: str) -> None:
    url = made(admin, keywords=["告警"], skip=["keyword"]).json["url"]
    assert post(url, TEXT).json["code"] == 0


def test_faults_are_scripted_and_ended(admin: str) -> None:
    url = made(admin).json["url"]
    faults = {
        "fail": {"code": 11232, "times": 1},
        "answer": {"body": "<html>", "status": 502, "times": None},
        "delay": {"seconds": 0.001},
    }
    assert post(admin + "/robots/feishu/t/faults", faults).json["faults"] == ["answer", "delay"]
    assert [post(url, TEXT).status for _ in range(3)] == [200, 502, 502]
    assert call("DELETE", admin + "/robots/feishu/t/faults").json["faults"] == []
    assert post(url, TEXT).json["code"] == 0


def test_a_hanging_robot_can_be_released(sandbox: Sandbox, admin: str) -> None:
    made(admin)
    faults = admin + "/robots/feishu/t/faults"
    assert post(faults, {"hang": {}, "drop": {"times": 1, "unread": True}}).json["faults"] == [
        "drop_unread",
        "hang",
    ]
    assert post(faults, {"release": {}, "drop": {"times": 0, "unread": True}}).json["faults"] == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"platform": "feishu"}, "platform or token is missing"),
        ({"platform": "slack", "token": "t"}, "expected one of feishu, dingtalk, wechat, notice"),
        ({"platform": "feishu", "token": "a/b"}, "expected 1 to 128 characters"),
        ({"platform": "feishu", "token": "t", "secert": "s"}, "settings has no field 'secert'"),
        ({"platform": "feishu", "token": "t", "keywords": "告警"}, "settings.keywords does not fit"),
        ({"platform": "feishu", "token": "t", "rate": {"lock": 1}}, "rate.windows is missing"),
        ({"platform": "feishu", "token": "t", "rate": {"windows": [[1]]}}, "rate.windows does not fit"),
        ({"platform": "feishu", "token": "t", "rate": {"windows": [[0, 1]]}}, "expected both above 0"),
        (
            {"platform": "feishu", "token": "t", "malformed_status": 1000},
            "settings.malformed_status does not fit",
        ),
        (b"[]", "the body is not a JSON object"),
        (b"{", "the body is not a JSON object"),
    ],
)
def test_a_faulty_robot_is_refused_with_what_would_do(admin: str, body: Any, error: str) -> None:
    answer = post(admin + "/robots", body)
    assert answer.status == 400
    assert error in answer.json["error"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"explode": {}}, "no fault 'explode'; expected one of fail, answer"),
        ({"fail": 19024}, "fail is not an object"),
        ({"fail": {}}, "fail.code is missing"),
        ({"fail": {"code": 1}}, "feishu documents no code 1"),
        ({"fail": {"code": 19024, "times": "2"}}, "fail.times does not fit; expected a number of times"),
        ({"fail": {"code": 19024, "times": -1}}, "times is -1"),
        ({"delay": {"seconds": "1"}}, "delay.seconds does not fit; expected seconds"),
        ({"hang": {"until": 1}}, "hang has no field 'until'; expected one of none"),
    ],
)
def test_a_faulty_fault_is_refused_and_nothing_of_it_happens(
    sandbox: Sandbox, admin: str, body: Any, error: str
) -> None:
    made(admin)
    answer = post(admin + "/robots/feishu/t/faults", body)
    assert answer.status == 400
    assert error in answer.json["error"]
    assert sandbox.robots[0].faults == ()


def test_the_journal_is_read_filtered_and_cleared(sandbox: Sandbox, admin: str) -> None:
    robot = sandbox.feishu("t", keywords=["hi"])
    other = sandbox.notice("n")
    post(robot.url, TEXT)
    post(robot.url, {"msg_type": "text", "content": {"text": "no"}})
    post(other.url, {"title": "t"})
    everything = call("GET", admin + "/journal").json
    assert [arrival["number"] for arrival in everything["arrivals"]] == [1, 2, 3]
    assert (everything["count"], everything["last"]) == (3, 3)
    assert everything["arrivals"][1] == {
        "number": 2,
        "at": 1_700_000_000.0,
        "platform": "feishu",
        "robot": "t",
        "accepted": False,
        "code": 19024,
        "text": "Key Words Not Found",
        "payload": {"msg_type": "text", "content": {"text": "no"}},
        "size": 47,
        "peer": "127.0.0.1",
        "answered": True,
    }
    for query, numbers in {
        "after=1": [2, 3],
        "limit=1": [3],
        "limit=0": [],
        "platform=feishu": [1, 2],
        "robot=n": [3],
        "accepted=true": [1, 3],
        "accepted=false&platform=feishu": [2],
    }.items():
        found = call("GET", f"{admin}/journal?{query}").json["arrivals"]
        assert [arrival["number"] for arrival in found] == numbers, query
    assert call("DELETE", admin + "/journal").json == {"cleared": 3}
    assert call("GET", admin + "/journal").json == {"arrivals": [], "count": 0, "last": 3}


@pytest.mark.parametrize("query", ["after=x", "limit=-1"])
def test_a_number_that_is_none_is_refused(admin: str, query: str) -> None:
    assert call("GET", f"{admin}/journal?{query}").status == 400


def test_mail_sinks_are_listed_and_scripted(sandbox: Sandbox, admin: str) -> None:
    sink = sandbox.smtp("office", credentials={"u": "p"})
    assert call("GET", admin + "/sinks").json == {
        "sinks": [
            {
                "name": "office",
                "host": "127.0.0.1",
                "port": sink.port,
                "auth": True,
                "auth_required": False,
                "starttls": False,
                "tls": False,
                "faults": [],
                "count": 0,
                "accepted": 0,
            }
        ]
    }
    faults = {"refuse": {"mailbox": "bad@x"}, "busy": {"times": 1}, "hang": {"stage": "DATA"}}
    assert post(admin + "/sinks/office/faults", faults).json["faults"] == ["GREETING", "RCPT", "DATA"]
    with pytest.raises(smtplib.SMTPConnectError):
        smtplib.SMTP(sink.host, sink.port, timeout=5.0)
    assert call("DELETE", admin + "/sinks/office/faults").json["faults"] == []
    wrong = post(admin + "/sinks/office/faults", {"reply": {"stage": "LUNCH", "reply": "250 OK"}})
    assert (wrong.status, "expected GREETING" in wrong.json["error"]) == (400, True)
    rude = post(admin + "/sinks/office/faults", {"reply": {"stage": "RCPT", "reply": "no"}})
    assert (rude.status, "expected one line such as" in rude.json["error"]) == (400, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/robots/feishu/nobody", 404),
        ("POST", "/sinks/nobody/faults", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/robots", 405),
        ("POST", "/journal", 405),
    ],
)
def test_wrong_paths_and_methods_are_told_apart(admin: str, method: str, path: str, status: int) -> None:
    answer = call(method, admin + path, {})
    assert answer.status == status
    assert answer.json["error"]
    assert ("Allow" in answer.headers) == (status == 405)


def test_head_is_get_without_a_body(admin: str) -> None:
    answer = call("HEAD", admin + "/robots")
    assert (answer.status, answer.raw) == (200, b"")


def test_a_page_of_another_site_may_not_use_it(sandbox: Sandbox, admin: str) -> None:
    robot = sandbox.feishu("t")
    post(robot.url, TEXT)
    host = sandbox.url.removeprefix("http://")
    assert (
        call("DELETE", admin + "/journal", headers={"Origin": "https://evil.example", "Host": host}).status
        == 403
    )
    assert robot.count == 1
    assert call("DELETE", admin + "/journal", headers={"Origin": sandbox.url, "Host": host}).status == 200


def test_the_state_has_everything_for_the_page(sandbox: Sandbox, admin: str) -> None:
    robot = sandbox.feishu("t")
    sandbox.smtp()
    post(robot.url, TEXT)
    state = call("GET", admin + "/state?after=0").json
    assert (state["url"], state["permissive"], state["count"], state["last"]) == (sandbox.url, False, 1, 1)
    assert [one["token"] for one in state["robots"]] == ["t"]
    assert [one["name"] for one in state["sinks"]] == ["mail-1"]
    assert [one["payload"] for one in state["arrivals"]] == [TEXT]
    assert "secret" not in json.dumps(state)
