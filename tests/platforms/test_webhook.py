import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushserver.domain import Delivered, Level, MessageRefused, RefusedHere, Style, Transient, Uncertain
from pushserver.platforms.dingtalk import DingTalk
from pushserver.platforms.errors import AnswerLost, NotSent
from pushserver.platforms.feishu import Feishu
from pushserver.platforms.scrub import Scrubber, secrets_of_url
from pushserver.platforms.webhook import Robot, Webhook
from pushserver.platforms.wechat import WeChat
from tests.platforms.deliveries import delivery
from tests.platforms.scripted_post import ScriptedPost, answer

OK = answer({"code": 0, "errcode": 0})
ROBOTS: list[Robot] = [Feishu(), Feishu("secret"), DingTalk(), DingTalk("SECsecret"), WeChat()]
MENTION = re.compile(r"<\s*/?\s*at\b|<\s*@|@all", re.IGNORECASE)

nasty = st.text(
    st.characters() | st.sampled_from('\ud800\udfff\x00\x1b\r\n"\\<@al t/\u2028🚨中\u200d'), max_size=300
)
large = st.builds(lambda unit, times: unit * times, st.text(min_size=1, max_size=8), st.integers(0, 8000))


def content_bytes(payload: dict[str, dict[str, str]]) -> int:
    kind = str(payload["msgtype"])
    return len(payload[kind]["content"].encode())


def check(robot: Robot, style: Style, title: str, text: str) -> None:
    post = ScriptedPost([OK])
    verdict = Webhook(robot, post, Scrubber()).deliver(delivery(title, text, style=style))
    assert isinstance(verdict, Delivered)
    (body,) = post.bodies
    payload = json.loads(body)
    if isinstance(robot, WeChat):
        assert content_bytes(payload) <= (2048 if style is Style.TEXT else 4096)
    else:
        assert len(body) <= 20_000
    for value in texts_in(payload):
        assert not MENTION.search(value)
        assert "\x00" not in value


def texts_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_in(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize("robot", ROBOTS)
@settings(max_examples=40, deadline=None)
@given(title=nasty, text=nasty)
def test_any_words_become_valid_json_without_mentions(
    robot: Robot, style: Style, title: str, text: str
) -> None:
    check(robot, style, title, text)


@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize("robot", ROBOTS)
@settings(max_examples=25, deadline=None)
@given(title=large, text=large)
def test_no_message_exceeds_the_limit(robot: Robot, style: Style, title: str, text: str) -> None:
    check(robot, style, title, text)


@pytest.mark.parametrize(
    ("robot", "style", "limit"),
    [(WeChat(), Style.TEXT, 2048), (WeChat(), Style.CARD, 4096)],
)
def test_a_long_text_fills_what_wecom_allows_and_says_what_is_missing(
    robot: Robot, style: Style, limit: int
) -> None:
    post = ScriptedPost([OK])
    Webhook(robot, post, Scrubber()).deliver(delivery("T", "中" * 5000, style=style))
    (payload,) = post.payloads
    content = payload[payload["msgtype"]]["content"]
    assert limit - 4 < len(content.encode()) <= limit
    missing = re.search(r"中\n…（内容过长，已截去 (\d+) 字）", content)
    assert missing is not None
    assert content.count("中") + int(missing[1]) == 5000


@pytest.mark.parametrize("robot", [Feishu("secret"), DingTalk("SECsecret")])
@pytest.mark.parametrize("style", list(Style))
def test_a_long_text_fills_the_body(robot: Robot, style: Style) -> None:
    post = ScriptedPost([OK])
    Webhook(robot, post, Scrubber()).deliver(delivery("T", '"' * 50_000, style=style))
    assert 20_000 - 4 < len(post.bodies[0]) <= 20_000


def test_a_long_title_leaves_room_for_the_text() -> None:
    post = ScriptedPost([OK])
    Webhook(WeChat(), post, Scrubber()).deliver(delivery("题" * 5000, "正文"))
    (payload,) = post.payloads
    assert payload["text"]["content"].endswith("字）\n正文")


def test_a_title_with_line_breaks_is_one_line() -> None:
    post = ScriptedPost([OK])
    Webhook(DingTalk(), post, Scrubber()).deliver(delivery("a\r\n# b\nc", "M", level=Level.INFO))
    assert post.payloads == [{"msgtype": "text", "text": {"content": "ℹ️ a # b c\nM"}}]


any_value = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["0", "-1", "x", "too fast", ""])
)
names = st.sampled_from(["code", "errcode", "StatusCode", "msg", "errmsg", "sub_code", "source", "status"])
any_body = st.binary(max_size=30) | st.dictionaries(names, any_value | st.lists(any_value, max_size=2))


@pytest.mark.parametrize("robot", [Feishu(), DingTalk(), WeChat()])
@settings(max_examples=100, deadline=None)
@given(body=any_body, status=st.sampled_from([200, 204, 302, 400, 404, 429, 500, 502]))
def test_only_an_explicit_zero_under_a_2xx_is_a_delivery(robot: Robot, body: object, status: int) -> None:
    verdict = robot.judge(answer(body, status)).verdict
    if isinstance(verdict, Delivered):
        assert status in {200, 204}
        assert isinstance(body, dict)
        zeros = [body.get(name) for name in ("code", "errcode", "StatusCode")]
        assert any(str(value) == "0" for value in zeros)


TOO_FANCY = answer({"code": 230099, "msg": "Failed to create card content"})
TOO_LONG = answer({"code": 19036, "msg": "The message exceeds the size limit of 30KB"})
BAD_REQUEST = answer({"code": 9499, "msg": "Bad Request"})


def test_a_refused_card_is_sent_once_more_as_text() -> None:
    post = ScriptedPost([TOO_FANCY, OK])
    verdict = Webhook(Feishu(), post, Scrubber()).deliver(delivery(style=Style.CARD))
    assert isinstance(verdict, Delivered)
    assert [payload["msg_type"] for payload in post.payloads] == ["interactive", "text"]


def test_a_card_refused_also_as_text_is_refused() -> None:
    post = ScriptedPost([TOO_FANCY, BAD_REQUEST, OK])
    verdict = Webhook(Feishu(), post, Scrubber()).deliver(delivery(style=Style.CARD))
    assert verdict == MessageRefused(code=9499, detail="Bad Request")
    assert len(post.bodies) == 2


def test_a_text_that_is_refused_for_its_form_is_not_sent_again() -> None:
    post = ScriptedPost([TOO_FANCY, OK])
    assert isinstance(Webhook(Feishu(), post, Scrubber()).deliver(delivery()), MessageRefused)
    assert len(post.bodies) == 1


def test_a_text_that_is_too_long_is_halved() -> None:
    post = ScriptedPost([TOO_LONG, OK])
    assert isinstance(Webhook(Feishu(), post, Scrubber()).deliver(delivery(text="中" * 4000)), Delivered)
    first, second = post.bodies
    assert len(first) > 12_000
    assert len(second) <= len(first) // 2
    assert "已截去" in second.decode()


def test_a_card_that_is_too_long_for_wecom_becomes_a_short_text() -> None:
    refusal = answer({"errcode": 40058, "errmsg": "markdown.content exceed max length 4096"})
    post = ScriptedPost([refusal, OK])
    assert isinstance(
        Webhook(WeChat(), post, Scrubber()).deliver(delivery(text="中" * 2000, style=Style.CARD)), Delivered
    )
    assert post.payloads[1]["msgtype"] == "text"
    assert content_bytes(post.payloads[1]) <= 2048


@pytest.mark.parametrize(
    ("text", "style", "requests"),
    [
        ("短", Style.TEXT, 1),
        ("短", Style.CARD, 2),
        ("中" * 5000, Style.TEXT, 2),
        ("中" * 5000, Style.CARD, 2),
    ],
)
def test_an_unexplained_bad_request_is_degraded_where_that_can_help(
    text: str, style: Style, requests: int
) -> None:
    post = ScriptedPost([BAD_REQUEST])
    Webhook(Feishu(), post, Scrubber()).deliver(delivery(text=text, style=style))
    assert len(post.bodies) == requests


def test_a_message_too_short_to_halve_is_still_sent() -> None:
    post = ScriptedPost([TOO_LONG, OK])
    assert isinstance(
        Webhook(Feishu("secret"), post, Scrubber()).deliver(delivery("题" * 10, "文")), Delivered
    )
    assert len(post.bodies) == 2


def test_other_refusals_are_not_degraded() -> None:
    post = ScriptedPost([answer({"code": 19024, "msg": "Key Words Not Found"}), OK])
    verdict = Webhook(Feishu(), post, Scrubber()).deliver(delivery(style=Style.CARD))
    assert verdict == RefusedHere(code=19024, detail="Key Words Not Found")
    assert len(post.bodies) == 1


def test_not_sent_is_transient_and_a_lost_answer_uncertain() -> None:
    robot = Webhook(Feishu(), ScriptedPost([NotSent("连接被拒绝"), AnswerLost("等待应答超时")]), Scrubber())
    assert robot.deliver(delivery()) == Transient(detail="连接被拒绝")
    assert robot.deliver(delivery()) == Uncertain(detail="等待应答超时")


def test_a_lost_answer_to_the_degraded_message_is_uncertain() -> None:
    robot = Webhook(Feishu(), ScriptedPost([TOO_FANCY, AnswerLost("等待应答超时")]), Scrubber())
    assert isinstance(robot.deliver(delivery(style=Style.CARD)), Uncertain)


def test_an_echoed_credential_is_not_passed_on() -> None:
    url = "https://oapi.dingtalk.com/robot/send?access_token=0a1b2c3d"
    post = ScriptedPost([answer({"errcode": 310000, "errmsg": "placeholder"})])
    robot = Webhook(DingTalk("SECabc"), post, Scrubber(*secrets_of_url(url), "SECabc"))
    robot.deliver(delivery())
    sign = post.queries[0].partition("&sign=")[2]
    post.answers = [answer({"errcode": 310000, "errmsg": f"{url}&sign={sign} SECabc\n0a1b2c3d"})]
    detail = robot.deliver(delivery()).detail
    assert detail == "***&sign=*** *** ***"


def test_closing_closes_the_transport() -> None:
    post = ScriptedPost([OK])
    Webhook(Feishu(), post, Scrubber()).close()
    assert post.closed
