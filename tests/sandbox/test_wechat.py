import base64
import hashlib
import re
from typing import Any

import pytest

from pushserver.sandbox import Sandbox
from tests.sandbox.calling import StandingClock, call, post

TEXT = {"msgtype": "text", "text": {"content": "hi", "mentioned_list": ["@all"]}}
OK = {"errcode": 0, "errmsg": "ok"}
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
ACTION = {"type": 1, "url": "https://x"}


def image(raw: bytes, md5: str | None = None) -> dict[str, Any]:
    digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return {"msgtype": "image", "image": {"base64": base64.b64encode(raw).decode(), "md5": md5 or digest}}


def news(count: int, **fields: str) -> dict[str, Any]:
    return {"msgtype": "news", "news": {"articles": [{"title": "t", "url": "https://x", **fields}] * count}}


def notice(**fields: Any) -> dict[str, Any]:
    card = {"card_type": "text_notice", "main_title": {"title": "t"}, "card_action": ACTION, **fields}
    return {"msgtype": "template_card", "template_card": card}


def markdown(content: Any, kind: str = "markdown", **fields: Any) -> dict[str, Any]:
    return {"msgtype": kind, kind: {"content": content, **fields}}


@pytest.mark.parametrize(
    "message",
    [
        TEXT,
        markdown("# T"),
        markdown("| a | b |", "markdown_v2"),
        image(PICTURE),
        news(1),
        news(8),
        {"msgtype": "file", "file": {"media_id": "m"}},
        {"msgtype": "voice", "voice": {"media_id": "m"}},
        notice(),
        notice(main_title={}, sub_title_text="s", card_action={"type": 2, "appid": "a"}),
        notice(horizontal_content_list=[{}] * 6, jump_list=[{}] * 3),
        notice(card_type="news_notice", card_image={"url": "https://p"}),
    ],
)
def test_a_documented_message_succeeds(sandbox: Sandbox, message: Any) -> None:
    robot = sandbox.wechat("k")
    answer = post(robot.url, message)
    assert (answer.status, answer.json) == (200, OK)
    assert [arrival.payload for arrival in robot.messages] == [message]


@pytest.mark.parametrize("query", ["", "?key=", "?key=nobody"])
def test_an_absent_or_unknown_key_is_an_invalid_url_with_a_hint(sandbox: Sandbox, query: str) -> None:
    answer = post(sandbox.url + "/cgi-bin/webhook/send" + query, b"not json")
    assert (answer.status, answer.json["errcode"]) == (200, 93000)
    assert re.fullmatch(
        r"invalid webhook url, hint: \[\d+\], from ip: 127\.0\.0\.1, "
        r"more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=93000",
        answer.json["errmsg"],
    )


def test_get_is_an_invalid_request(sandbox: Sandbox) -> None:
    assert call("GET", sandbox.wechat("k").url).json["errcode"] == 40058


def test_a_stopped_robot_says_so(sandbox: Sandbox) -> None:
    robot = sandbox.wechat("k")
    robot.stop()
    assert post(robot.url, TEXT).json["errcode"] == 93004


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_broken_json_is_an_invalid_type_with_a_warning(sandbox: Sandbox, body: bytes) -> None:
    answer = post(sandbox.wechat("k").url, body).json
    assert answer["errcode"] == 40008
    assert answer["errmsg"].startswith("invalid message type. Warning: wrong json format. , hint: [")


@pytest.mark.parametrize("kind", ["textcard", "", None, ["text"]])
def test_an_unknown_type_is_invalid(sandbox: Sandbox, kind: Any) -> None:
    answer = post(sandbox.wechat("k").url, {"msgtype": kind}).json
    assert (answer["errcode"], answer["errmsg"].split(",")[0]) == (40008, "invalid message type")


def test_the_21st_call_within_a_minute_waits_for_the_window_to_slide(
    sandbox: Sandbox, clock: StandingClock
) -> None:
    robot = sandbox.wechat("k", rate=True)
    codes = []
    for _ in range(21):
        codes.append(post(robot.url, TEXT).json["errcode"])
        clock.advance(2.0)
    assert codes == [0] * 20 + [45009]
    clock.advance(18.0)
    assert post(robot.url, TEXT).json == OK


def test_debug_in_the_url_lowers_the_limit_to_five(sandbox: Sandbox) -> None:
    robot = sandbox.wechat("k", rate=True)
    codes = [post(robot.url + "&debug=1", TEXT).json["errcode"] for _ in range(6)]
    assert codes == [0] * 5 + [45009]


@pytest.mark.parametrize("message", [{"msgtype": "text"}, markdown(""), markdown(None)])
def test_empty_content_is_refused(sandbox: Sandbox, message: Any) -> None:
    answer = post(sandbox.wechat("k").url, message).json
    assert (answer["errcode"], answer["errmsg"].split(",")[0]) == (44004, "empty content")


@pytest.mark.parametrize(("kind", "limit"), [("text", 2048), ("markdown", 4096), ("markdown_v2", 4096)])
def test_content_is_measured_in_bytes(sandbox: Sandbox, kind: str, limit: int) -> None:
    robot = sandbox.wechat("k")
    full = "中" * (limit // 3) + "a" * (limit % 3)
    assert post(robot.url, markdown(full, kind)).json == OK
    refused = post(robot.url, markdown(full + "a", kind)).json
    assert refused["errcode"] == 40058
    head = f"{kind}.content exceed max length {limit}. invalid Request Parameter, hint: ["
    assert refused["errmsg"].startswith(head)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (markdown(7), 40058),
        (markdown("a", mentioned_list=["@all"]), 40058),
        (markdown("a", "markdown_v2", mentioned_mobile_list=[]), 40058),
        (markdown("a", "text", mentioned_list="@all"), 40058),
        (news(0), 40058),
        (news(9), 40058),
        (news(1, url=""), 40058),
        ({"msgtype": "news", "news": {"articles": ["a"]}}, 40058),
        ({"msgtype": "file", "file": {}}, 40058),
        (image(PICTURE, "0" * 32), 40058),
        ({"msgtype": "image", "image": {"base64": "!!", "md5": ""}}, 40058),
        (image(b"GIF89a"), 40009),
        (image(PICTURE + b"\0" * 2 * 1024 * 1024), 40009),
        (notice(card_type="button_interaction"), 40058),
        (notice(main_title={}), 40058),
        (notice(card_action={"type": 3, "url": "https://x"}), 40058),
        (notice(card_action={"type": [1]}), 40058),
        (notice(card_action={"type": 1}), 40058),
        (notice(card_action={"type": 2, "url": "https://x"}), 40058),
        (notice(horizontal_content_list=[{}] * 7), 40058),
        (notice(jump_list=[{}] * 4), 40058),
        (notice(card_type="news_notice"), 40058),
        (notice(card_type="news_notice", main_title={}, card_image={"url": "https://p"}), 40058),
    ],
)
def test_a_message_of_the_wrong_form_is_refused(sandbox: Sandbox, message: Any, code: int) -> None:
    robot = sandbox.wechat("k")
    answer = post(robot.url, message)
    assert (answer.status, answer.json["errcode"]) == (200, code)
    assert robot.messages == []


def test_news_are_cut_without_a_word(sandbox: Sandbox) -> None:
    robot = sandbox.wechat("k")
    assert post(robot.url, news(1, title="中" * 50, description="d" * 600)).json == OK
    [article] = robot.messages[0].payload["news"]["articles"]
    assert (article["title"], article["description"]) == ("中" * 42, "d" * 512)
