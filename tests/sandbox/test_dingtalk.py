from typing import Any
from urllib.parse import quote

import pytest

from pushserver.sandbox import Rate, Sandbox
from pushserver.sandbox.dingtalk import sign
from tests.sandbox.calling import StandingClock, call, post

TEXT = {"msgtype": "text", "text": {"content": "磁盘 告警"}}
OK = {"errcode": 0, "errmsg": "ok"}
# Both contain characters that an encoding mistake destroys.
SECRET, STAMP, SIGN = "this is secret", 1577262236757, "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="


def signed(url: str, timestamp: object, signature: str) -> str:
    return f"{url}&timestamp={timestamp}&sign={quote(signature, safe='')}"


@pytest.mark.parametrize(
    ("secret", "timestamp", "expected"),
    [
        ("SECtest", 1700000000000, "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g="),
        (
            "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68",
            1582163555000,
            "BQKsG+QOCl+bYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY=",
        ),
        (SECRET, STAMP, SIGN),
    ],
)
def test_signatures_match_the_published_vectors(secret: str, timestamp: int, expected: str) -> None:
    assert sign(secret, timestamp) == expected


@pytest.mark.parametrize(
    "message",
    [
        TEXT,
        {**TEXT, "at": {"atMobiles": ["13800000000"], "isAtAll": False}},
        {"msgtype": "markdown", "markdown": {"title": "T", "text": "#### T"}},
        {"msgtype": "link", "link": {"title": "t", "text": "b", "messageUrl": "https://x", "picUrl": ""}},
        {
            "msgtype": "actionCard",
            "actionCard": {"title": "t", "text": "b", "singleTitle": "o", "singleURL": "https://x"},
        },
        {
            "msgtype": "actionCard",
            "actionCard": {"title": "t", "text": "b", "btns": [{"title": "A", "actionURL": "https://a"}]},
        },
        {
            "msgtype": "feedCard",
            "feedCard": {"links": [{"title": "a", "messageURL": "https://a", "picURL": "https://p"}]},
        },
    ],
)
def test_a_documented_message_succeeds(sandbox: Sandbox, message: Any) -> None:
    robot = sandbox.dingtalk("t")
    answer = post(robot.url, message)
    assert (answer.status, answer.json) == (200, OK)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert [arrival.payload for arrival in robot.messages] == [message]


def test_get_wants_to_be_post_whatever_the_token(sandbox: Sandbox) -> None:
    for url in (sandbox.dingtalk("t").url, sandbox.url + "/robot/send?access_token=nobody"):
        answer = call("GET", url)
        assert (answer.status, answer.json) == (200, {"errcode": 43002, "errmsg": "需要POST请求"})


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_the_content_type_has_to_be_json(sandbox: Sandbox, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    for url in (sandbox.dingtalk("t").url, sandbox.url + "/robot/send"):
        answer = post(url, TEXT, headers)
        assert answer.json == {"errcode": 43004, "errmsg": "无效的HTTP HEADER Content-Type"}


@pytest.mark.parametrize("query", ["", "?access_token=", "?token=t"])
def test_a_missing_token_is_a_missing_parameter(sandbox: Sandbox, query: str) -> None:
    sandbox.dingtalk("t")
    answer = post(sandbox.url + "/robot/send" + query, TEXT)
    assert answer.json == {"errcode": 40035, "errmsg": "缺少参数 access_token"}


def test_an_unknown_token_does_not_exist(sandbox: Sandbox) -> None:
    url = sandbox.url + "/robot/send?access_token=nobody"
    assert post(url, TEXT).json == {"errcode": 300005, "errmsg": "token is not exist"}
    sandbox.answer_unknown("dingtalk", 400101)
    assert post(url, TEXT).json == {"errcode": 400101, "errmsg": "access_token不存在"}
    sandbox.answer_unknown("dingtalk", 300001)
    assert post(url, TEXT).json == {"errcode": 300001, "errmsg": "token is not exist"}


def test_a_stopped_robot_says_so(sandbox: Sandbox) -> None:
    robot = sandbox.dingtalk("t")
    robot.stop()
    assert post(robot.url, TEXT).json == {"errcode": 400102, "errmsg": "机器人已停用"}


def test_the_21st_call_within_a_minute_locks_the_robot_for_ten(
    sandbox: Sandbox, clock: StandingClock
) -> None:
    robot = sandbox.dingtalk("t", rate=True)
    codes = [post(robot.url, TEXT).json["errcode"] for _ in range(21)]
    assert codes == [0] * 20 + [660026]
    clock.advance(599.0)
    locked = post(robot.url, TEXT)
    assert locked.json == {"errcode": 660026, "errmsg": "sending too many messages per minute"}
    clock.advance(1.0)
    assert post(robot.url, TEXT).json == OK


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (130101, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}),
        (410100, {"errcode": 410100, "errmsg": "发送速度太快而限流"}),
    ],
)
def test_throttling_can_take_its_older_forms(sandbox: Sandbox, code: int, body: Any) -> None:
    robot = sandbox.dingtalk("t", rate=Rate(((1, 60.0),), code=code))
    post(robot.url, TEXT)
    assert post(robot.url, TEXT).json == body


def test_a_blocked_address_gets_a_body_without_an_errcode(sandbox: Sandbox) -> None:
    robot = sandbox.dingtalk("t", rate=Rate(((1, 20.0),), lock=300.0, code="x5"))
    post(robot.url, TEXT)
    blocked = post(robot.url, TEXT).json
    assert (blocked["status"], blocked["punish"], "errcode" in blocked) == (1111, "deny", False)


def test_a_body_of_20000_bytes_passes_and_one_more_does_not(sandbox: Sandbox) -> None:
    robot = sandbox.dingtalk("t")
    frame = len(b'{"msgtype":"text","text":{"content":""}}')
    fits = b'{"msgtype":"text","text":{"content":"' + b"a" * (20_000 - frame) + b'"}}'
    assert post(robot.url, fits).json == OK
    too_long = {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
    assert post(robot.url, fits + b" ").json == too_long


def test_a_signature_encoded_once_is_taken(sandbox: Sandbox, clock: StandingClock) -> None:
    clock.now = STAMP / 1000
    robot = sandbox.dingtalk("t", secret=SECRET)
    assert post(signed(robot.url, STAMP, SIGN), TEXT).json == OK


@pytest.mark.parametrize("encoded", [quote(quote(SIGN, safe=""), safe=""), SIGN, "AAAA", "", quote("签名")])
def test_a_signature_encoded_twice_or_not_at_all_or_wrong_does_not_match(
    sandbox: Sandbox, clock: StandingClock, encoded: str
) -> None:
    clock.now = STAMP / 1000
    robot = sandbox.dingtalk("t", secret=SECRET)
    answer = post(f"{robot.url}&timestamp={STAMP}&sign={encoded}", TEXT)
    assert answer.json == {"errcode": 310000, "errmsg": "sign not match"}


@pytest.mark.parametrize("offset", [3601, -3601])
def test_a_timestamp_more_than_an_hour_off_is_invalid(
    sandbox: Sandbox, clock: StandingClock, offset: int
) -> None:
    clock.now = STAMP / 1000 + offset
    robot = sandbox.dingtalk("t", secret=SECRET)
    answer = post(signed(robot.url, STAMP, SIGN), TEXT)
    assert answer.json == {"errcode": 310000, "errmsg": "invalid timestamp"}


@pytest.mark.parametrize("stamp", ["", "soon", "1577262236", "-1"])
def test_a_timestamp_in_seconds_or_none_at_all_is_invalid(
    sandbox: Sandbox, clock: StandingClock, stamp: str
) -> None:
    clock.now = STAMP / 1000
    robot = sandbox.dingtalk("t", secret=SECRET)
    answer = post(signed(robot.url, stamp, sign(SECRET, stamp)), TEXT)
    assert answer.json["errmsg"] == "invalid timestamp"


def test_an_address_that_is_not_listed_is_named(sandbox: Sandbox) -> None:
    robot = sandbox.dingtalk("t", allowed_ips=["10.1.0.0/16"])
    assert post(robot.url, TEXT).json == {"errcode": 310000, "errmsg": "ip 127.0.0.1 not in whitelist"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
def test_a_body_that_is_no_json_object_is_a_missing_parameter(sandbox: Sandbox, body: bytes) -> None:
    assert post(sandbox.dingtalk("t").url, body).json == {"errcode": 40035, "errmsg": "缺少参数 json"}


@pytest.mark.parametrize("kind", ["image", "interactive", "", None, ["text"]])
def test_an_unsupported_type_is_refused(sandbox: Sandbox, kind: Any) -> None:
    answer = post(sandbox.dingtalk("t").url, {"msgtype": kind})
    assert answer.json == {"errcode": 400105, "errmsg": "不支持的消息类型"}


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        ({"msgtype": "text"}, "text.content"),
        ({"msgtype": "text", "text": {"content": " "}}, "text.content"),
        ({"msgtype": "markdown", "markdown": {"text": "b"}}, "markdown.title"),
        ({"msgtype": "markdown", "markdown": {"title": "t"}}, "markdown.text"),
        ({"msgtype": "link", "link": {"title": "t", "text": "b"}}, "link.messageUrl"),
        ({"msgtype": "actionCard", "actionCard": {"title": "t", "text": "b"}}, "actionCard.singleTitle"),
        ({"msgtype": "actionCard", "actionCard": {"title": "t", "text": "b", "btns": []}}, "actionCard.btns"),
        (
            {"msgtype": "actionCard", "actionCard": {"title": "t", "text": "b", "btns": [{"title": "A"}]}},
            "actionCard.btns.actionURL",
        ),
        ({"msgtype": "feedCard", "feedCard": {}}, "feedCard.links"),
        ({"msgtype": "feedCard", "feedCard": {"links": ["a"]}}, "feedCard.links.title"),
    ],
)
def test_what_is_missing_is_named(sandbox: Sandbox, message: Any, missing: str) -> None:
    answer = post(sandbox.dingtalk("t").url, message)
    assert answer.json == {"errcode": 40035, "errmsg": f"缺少参数 {missing}"}


def test_a_keyword_has_to_be_in_the_content(sandbox: Sandbox) -> None:
    robot = sandbox.dingtalk("t", keywords=["恢复", "告警"])
    assert post(robot.url, TEXT).json == OK
    answer = post(robot.url, {"msgtype": "text", "text": {"content": "正常"}})
    assert answer.json == {"errcode": 310000, "errmsg": "keywords not in content"}
