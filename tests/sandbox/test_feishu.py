from typing import Any

import pytest

from pushserver.sandbox import Rate, Sandbox
from pushserver.sandbox.feishu import sign
from tests.sandbox.calling import StandingClock, call, post

TEXT = {"msg_type": "text", "content": {"text": "磁盘 告警"}}
SUCCESS = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
SIGN_FAULT = "sign match fail or timestamp is not within one hour from current time"


def card(**parts: Any) -> dict[str, Any]:
    header = {"template": "red", "title": {"tag": "plain_text", "content": "T"}}
    return {"msg_type": "interactive", "card": {"header": header, "elements": [], **parts}}


def card_2(*elements: Any, **parts: Any) -> dict[str, Any]:
    return {
        "msg_type": "interactive",
        "card": {"schema": "2.0", "body": {"elements": list(elements)}, **parts},
    }


def code_of(sandbox: Sandbox, message: Any) -> int:
    code = post(sandbox.feishu("t").url, message).json["code"]
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize(
    ("secret", "timestamp", "expected"),
    [
        ("demo", "100", "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg="),
        ("demo", "1599360473", "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="),
        ("xxx", "1661860880", "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU="),
        ("K7gPq2mTzR9vXw4b", "1700000000", "Azubc4WfNMh6V+deA2JqPCNkMr76GjIQr/Dl7lj9B/c="),
    ],
)
def test_signatures_match_the_published_vectors(secret: str, timestamp: str, expected: str) -> None:
    assert sign(secret, timestamp) == expected


@pytest.mark.parametrize(
    "message",
    [
        TEXT,
        {
            "msg_type": "post",
            "content": {"post": {"zh_cn": {"title": "T", "content": [[{"tag": "text", "text": "a"}]]}}},
        },
        {"msg_type": "image", "content": {"image_key": "img_1"}},
        {"msg_type": "share_chat", "content": {"share_chat_id": "oc_1"}},
        card(
            elements=[
                {"tag": "div", "text": {"tag": "lark_md", "content": "M"}},
                {"tag": "hr"},
                {"tag": "note", "elements": []},
            ]
        ),
        card(unknown_property=1),
        card_2({"tag": "markdown", "content": "**b**"}, {"tag": "hr"}, config={"update_multi": True}),
    ],
)
def test_a_documented_message_succeeds_with_the_documented_body(sandbox: Sandbox, message: Any) -> None:
    robot = sandbox.feishu("t")
    answer = post(robot.url, message)
    assert (answer.status, answer.json) == (200, SUCCESS)
    assert [arrival.payload for arrival in robot.messages] == [message]


def test_an_unknown_token_is_refused_before_the_body_is_looked_at(sandbox: Sandbox) -> None:
    answer = post(sandbox.url + "/open-apis/bot/v2/hook/nobody", b"not json")
    assert (answer.status, answer.json) == (
        200,
        {"code": 19001, "data": {}, "msg": "param invalid: incoming webhook access token invalid"},
    )
    assert [(stray.robot, stray.code) for stray in sandbox.strays.entries] == [("nobody", 19001)]


def test_a_slash_after_the_token_is_another_token(sandbox: Sandbox) -> None:
    assert post(sandbox.feishu("t").url + "/", TEXT).json["code"] == 19001


def test_a_stopped_robot_says_so_until_it_is_started(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    robot.stop()
    assert post(robot.url, TEXT).json == {"code": 19007, "data": {}, "msg": "Bot Not Enabled"}
    robot.start()
    assert post(robot.url, TEXT).json["code"] == 0


def test_the_sixth_call_within_a_second_is_throttled(sandbox: Sandbox, clock: StandingClock) -> None:
    robot = sandbox.feishu("t", rate=True)
    assert [post(robot.url, TEXT).json["code"] for _ in range(6)] == [0, 0, 0, 0, 0, 11232]
    clock.advance(1.0)
    assert post(robot.url, TEXT).json["code"] == 0


def test_the_hundred_and_first_call_within_a_minute_is_throttled(
    sandbox: Sandbox, clock: StandingClock
) -> None:
    robot = sandbox.feishu("t", rate=True)
    for _ in range(100):
        assert post(robot.url, TEXT).json["code"] == 0
        clock.advance(0.3)
    throttled = post(robot.url, TEXT)
    assert throttled.status == 200
    assert throttled.json["msg"] == "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"


def test_throttling_can_take_its_other_documented_form(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t", rate=Rate(((1, 60.0),), code=9499, text="too many request"))
    post(robot.url, TEXT)
    throttled = post(robot.url, TEXT)
    assert (throttled.status, throttled.json["code"], throttled.json["msg"]) == (
        400,
        9499,
        "too many request",
    )


def test_a_body_of_20480_bytes_passes_and_one_more_does_not(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    frame = len(b'{"msg_type":"text","content":{"text":""}}')
    fits = b'{"msg_type":"text","content":{"text":"' + b"a" * (20_480 - frame) + b'"}}'
    assert post(robot.url, fits).json["code"] == 0
    answer = post(robot.url, fits + b" ")
    assert (answer.status, answer.json) == (400, {"code": 9499, "data": {}, "msg": "Bad Request"})
    robot.configure(size_limit=20_000)
    assert post(robot.url, fits).json["code"] == 9499


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"'])
def test_a_body_that_is_no_json_object_is_a_bad_request(sandbox: Sandbox, body: bytes) -> None:
    robot = sandbox.feishu("t")
    answer = post(robot.url, body)
    assert (answer.status, answer.json["code"], answer.json["msg"]) == (400, 9499, "Bad Request")
    robot.configure(malformed_status=200)
    assert post(robot.url, body).status == 200


@pytest.mark.parametrize("as_text", [True, False])
def test_a_signature_is_taken_with_its_timestamp_as_text_or_number(sandbox: Sandbox, as_text: bool) -> None:
    robot = sandbox.feishu("t", secret="K7gPq2mTzR9vXw4b")
    stamp = {
        "timestamp": "1700000000" if as_text else 1700000000,
        "sign": "Azubc4WfNMh6V+deA2JqPCNkMr76GjIQr/Dl7lj9B/c=",
    }
    assert post(robot.url, {**TEXT, **stamp}).json == SUCCESS
    assert robot.messages[0].payload == TEXT


def test_a_signature_expires_an_hour_away_in_either_direction(sandbox: Sandbox, clock: StandingClock) -> None:
    robot = sandbox.feishu("t", secret="demo")
    signed = {**TEXT, "timestamp": str(int(clock.now)), "sign": sign("demo", str(int(clock.now)))}
    codes = []
    for offset in (3600, 3601, -3600, -3601):
        clock.now = 1_700_000_000.0 + offset
        codes.append(post(robot.url, signed).json["code"])
    assert codes == [0, 19021, 0, 19021]


@pytest.mark.parametrize(
    "stamp",
    [
        {},
        {"timestamp": "1700000000"},
        {"timestamp": "1700000000", "sign": "AAAA"},
        {"timestamp": "1700000000", "sign": "签名"},
        {"timestamp": "1700000000", "sign": 7},
        {"timestamp": "soon", "sign": sign("demo", "soon")},
        {"timestamp": None, "sign": sign("demo", "None")},
        {"timestamp": "1700000000000", "sign": sign("demo", "1700000000000")},
        {"timestamp": "1700000000", "sign": sign("other", "1700000000")},
    ],
)
def test_a_missing_or_wrong_signature_is_refused(sandbox: Sandbox, stamp: dict[str, Any]) -> None:
    robot = sandbox.feishu("t", secret="demo")
    assert post(robot.url, {**TEXT, **stamp}).json == {"code": 19021, "data": {}, "msg": SIGN_FAULT}


def test_only_listed_addresses_may_call(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t", allowed_ips=["10.0.0.0/8"])
    assert post(robot.url, TEXT).json == {"code": 19022, "data": {}, "msg": "Ip Not Allowed"}
    robot.configure(allowed_ips=("10.0.0.0/8", "127.0.0.1"))
    assert post(robot.url, TEXT).json == SUCCESS


def test_a_message_without_a_type_is_told_so(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    answer = post(robot.url, {"msgtype": "text", "text": {"content": "a DingTalk message"}})
    assert answer.json == {"code": 19002, "data": {}, "msg": "params error, msg_type need"}


@pytest.mark.parametrize(
    "message",
    [
        {"msg_type": "markdown", "content": {"text": "a"}},
        {"msg_type": ["text"], "content": {"text": "a"}},
        {"msg_type": "text"},
        {"msg_type": "text", "content": '{"text":"a"}'},
        {"msg_type": "text", "content": {"text": ""}},
        {"msg_type": "post", "content": {"post": {}}},
        {"msg_type": "post", "content": {"post": {"zh_cn": {"content": ["a"]}}}},
        {"msg_type": "interactive", "content": {"card": {}}},
        {"msg_type": "interactive", "card": "{}"},
    ],
)
def test_a_message_of_the_wrong_form_is_a_bad_request(sandbox: Sandbox, message: Any) -> None:
    answer = post(sandbox.feishu("t").url, message)
    assert (answer.status, answer.json["code"]) == (400, 9499)


@pytest.mark.parametrize(
    "template",
    [
        "blue",
        "wathet",
        "turquoise",
        "green",
        "yellow",
        "orange",
        "red",
        "carmine",
        "violet",
        "purple",
        "indigo",
        "grey",
        "default",
    ],
)
def test_thirteen_colours_are_known(sandbox: Sandbox, template: str) -> None:
    header = {"template": template, "title": {"tag": "plain_text", "content": "T"}}
    assert code_of(sandbox, card(header=header)) == 0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (card(header={"template": "#ff0000", "title": {"tag": "plain_text", "content": "T"}}), 10002),
        (card(header={"template": ["red"], "title": {"tag": "plain_text", "content": "T"}}), 10002),
        (card(header={"template": "red", "title": "T"}), 200621),
        (card(header={"template": "red"}), 200621),
        (card(header="T"), 200621),
        (card(elements={}), 200621),
        (card(elements=["text"]), 200621),
        (card_2(unknown=1), 200621),
        (card_2({"tag": "markdwon", "content": "a"}), 200621),
        (card_2({"tag": ["hr"]}), 200621),
        (card_2("text"), 200621),
        ({"msg_type": "interactive", "card": {"schema": "2.0", "elements": []}}, 200621),
        ({"msg_type": "interactive", "card": {"schema": "2.0"}}, 200621),
        (card_2(config={"update_multi": False}), 200621),
        (card_2({"tag": "note", "elements": []}), 200861),
        (card_2({"tag": "action", "actions": []}), 200861),
        (
            card_2({"tag": "column_set", "columns": [{"tag": "column", "elements": [{"tag": "note"}]}]}),
            200861,
        ),
        (card_2(*[{"tag": "hr"}] * 201), 11310),
        (card_2({"tag": "form", "elements": [{"tag": "hr"}] * 200}), 11310),
    ],
)
def test_a_faulty_card_is_refused_with_the_code_of_its_fault(
    sandbox: Sandbox, message: Any, code: int
) -> None:
    answer = post(sandbox.feishu("t").url, message)
    assert (answer.status, answer.json["code"]) == (200, code)
    assert answer.json["msg"].startswith(f"Failed to create card content, ext=ErrCode: {code}; ErrMsg: ")


def test_200_elements_are_not_too_many(sandbox: Sandbox) -> None:
    assert code_of(sandbox, card_2(*[{"tag": "hr"}] * 200)) == 0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (TEXT, 0),
        (card(elements=[{"tag": "div", "text": {"tag": "lark_md", "content": "有 告警"}}]), 0),
        (
            card(
                elements=[
                    {"tag": "button", "url": "https://告警", "text": {"tag": "plain_text", "content": "x"}}
                ]
            ),
            19024,
        ),
        ({"msg_type": "text", "content": {"text": "一切正常"}}, 19024),
    ],
)
def test_a_keyword_has_to_be_in_what_people_read(sandbox: Sandbox, message: Any, code: int) -> None:
    robot = sandbox.feishu("t", keywords=["告警", "恢复"])
    assert post(robot.url, message).json["code"] == code


def test_the_checks_come_in_their_order(sandbox: Sandbox) -> None:
    robot = sandbox.feishu(
        "t", secret="demo", keywords=["x"], allowed_ips=["10.0.0.1"], rate=Rate(((1, 60.0),)), size_limit=10
    )
    robot.stop()
    codes = []
    for mended in (
        {},
        {"stopped": False},
        {},
        {"rate": False, "size_limit": None},
        {"secret": None},
        {"allowed_ips": None},
    ):
        robot.configure(**mended)
        codes.append(post(robot.url, {"content": "not an object"}).json["code"])
    assert codes == [19007, 9499, 11232, 19021, 19022, 19002]


def test_any_check_can_be_switched_off(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t", keywords=["告警"], skip=["keyword", "form"])
    assert post(robot.url, {"msg_type": "hologram"}).json == SUCCESS


def test_only_post_reaches_a_robot(sandbox: Sandbox) -> None:
    assert call("GET", sandbox.feishu("t").url).status == 404
