"""Every documented error can be had on demand, in the platform's words and with its HTTP status."""

import pytest

from pushserver.sandbox import BadSettingError, Sandbox, Settings, UndocumentedCodeError
from tests.sandbox.calling import post

FEISHU = {
    2200: "internal error",
    9499: "Bad Request",
    11232: "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]",
    19001: "param invalid: incoming webhook access token invalid",
    19002: "params error, msg_type need",
    19003: "params error, content need object",
    19004: "params error, text need",
    19007: "Bot Not Enabled",
    19021: "sign match fail or timestamp is not within one hour from current time",
    19022: "Ip Not Allowed",
    19024: "Key Words Not Found",
    19036: "The message exceeds the size limit of 30KB",
    99991400: "request trigger frequency limit",
}
FEISHU_CARDS = (10002, 11310, 100290, 200570, 200621, 200861)
DINGTALK = {
    -1: "系统繁忙",
    40035: "缺少参数 json",
    43002: "需要POST请求",
    43004: "无效的HTTP HEADER Content-Type",
    90030: "webhook over limit",
    130101: "send too fast, exceed 20 times per minute",
    300001: "token is not exist",
    300005: "token is not exist",
    310000: "keywords not in content",
    400013: "群已被解散",
    400101: "access_token不存在",
    400102: "机器人已停用",
    400105: "不支持的消息类型",
    400106: "机器人不存在",
    410100: "发送速度太快而限流",
    460101: "message too long, exceed 20000 bytes",
    660026: "sending too many messages per minute",
}
WECHAT = {
    -1: "system busy",
    6000: "data version conflict",
    40008: "invalid message type",
    44004: "empty content",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    93000: "invalid webhook url",
}
SKIPPED = {"feishu": {"card"}, "dingtalk": {"kind"}, "wechat": {"kind"}}
WECHAT_OTHERS = (40009, 40033, 40035, 40058, 40063, 41006, 45002, 93004, 93006, 93008)


@pytest.mark.parametrize(("code", "text"), FEISHU.items())
def test_feishu_says_its_own_words(sandbox: Sandbox, code: int, text: str) -> None:
    robot = sandbox.feishu("t")
    robot.fail(code)
    answer = post(robot.url, {})
    assert answer.json == {"code": code, "data": {}, "msg": text}
    assert answer.status == {9499: 400, 99991400: 429}.get(code, 200)


@pytest.mark.parametrize("code", FEISHU_CARDS)
def test_feishu_names_the_fault_of_a_card(sandbox: Sandbox, code: int) -> None:
    robot = sandbox.feishu("t")
    robot.fail(code)
    assert (
        post(robot.url, {})
        .json["msg"]
        .startswith(f"Failed to create card content, ext=ErrCode: {code}; ErrMsg: ")
    )


def test_feishu_wraps_the_fault_of_a_card_where_the_other_api_does(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    robot.fail(230099)
    answer = post(robot.url, {}).json
    assert answer["code"] == 230099
    assert "ErrCode: 200621" in answer["msg"]


def test_feishus_general_throttle_says_when_in_its_headers(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    robot.fail(99991400)
    headers = post(robot.url, {}).headers
    assert (headers["x-ogw-ratelimit-limit"], headers["x-ogw-ratelimit-reset"]) == ("100", "1")


@pytest.mark.parametrize(("code", "text"), DINGTALK.items())
def test_dingtalk_says_its_own_words(sandbox: Sandbox, code: int, text: str) -> None:
    robot = sandbox.dingtalk("t")
    robot.fail(code)
    answer = post(robot.url, {})
    assert (answer.status, answer.json) == (200, {"errcode": code, "errmsg": text})


@pytest.mark.parametrize("code", [88, 430101, 430102, 430103, 430104])
def test_dingtalk_has_its_rarer_errors_too(sandbox: Sandbox, code: int) -> None:
    robot = sandbox.dingtalk("t")
    robot.fail(code)
    answer = post(robot.url, {}).json
    assert answer["errcode"] == code
    assert answer["errmsg"]


def test_dingtalk_blocks_an_address_without_an_errcode(sandbox: Sandbox) -> None:
    robot = sandbox.dingtalk("t")
    robot.fail("x5")
    answer = post(robot.url, {})
    assert (answer.status, answer.json["status"], answer.json["wait"]) == (200, 1111, 5)
    assert "errcode" not in answer.json
    assert robot.arrivals[0].code == "x5"


@pytest.mark.parametrize(("code", "text"), WECHAT.items())
def test_wecom_says_its_own_words(sandbox: Sandbox, code: int, text: str) -> None:
    robot = sandbox.wechat("t")
    robot.fail(code)
    answer = post(robot.url, {})
    assert (answer.status, answer.json["errcode"]) == (200, code)
    assert answer.json["errmsg"].startswith(f"{text}, hint: [")
    assert answer.json["errmsg"].endswith(f"devtool/query?e={code}")


@pytest.mark.parametrize("code", WECHAT_OTHERS)
def test_wecom_has_its_rarer_errors_too(sandbox: Sandbox, code: int) -> None:
    robot = sandbox.wechat("t")
    robot.fail(code)
    assert post(robot.url, {}).json["errcode"] == code


def test_a_notice_fails_with_its_status(sandbox: Sandbox) -> None:
    robot = sandbox.notice("n")
    robot.fail(503)
    assert post(robot.url, {"title": "t"}).status == 503
    assert post(robot.url, {"title": "t"}).status == 200


@pytest.mark.parametrize("platform", ["feishu", "dingtalk", "wechat"])
def test_a_forced_error_is_no_message_and_ends_after_its_times(sandbox: Sandbox, platform: str) -> None:
    robot = sandbox.robot(platform, "t", Settings(skip=frozenset({"form"} | SKIPPED[platform])))
    robot.fail(-7, times=2, text="made up", status=500)
    answers = [post(robot.url, {"msg_type": "x"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [500, 500, 200]
    assert [arrival.accepted for arrival in robot.arrivals] == [False, False, True]
    assert [(arrival.code, arrival.text) for arrival in robot.arrivals[:2]] == [(-7, "made up")] * 2


def test_an_undocumented_code_wants_a_text(sandbox: Sandbox) -> None:
    with pytest.raises(
        UndocumentedCodeError, match=r"feishu documents no code 300005; expected one of 2200, 9499"
    ):
        sandbox.feishu("t").fail(300005)


def test_a_negative_number_of_times_makes_no_sense(sandbox: Sandbox) -> None:
    with pytest.raises(BadSettingError, match="times is -1; expected 0 or more"):
        sandbox.feishu("t").fail(19024, times=-1)
