import pytest

from pushserver.domain import (
    Delivered,
    EndpointBroken,
    Level,
    MessageRefused,
    RateLimited,
    Style,
    Transient,
    Verdict,
)
from pushserver.platforms.ruling import Remedy
from pushserver.platforms.scrub import Scrubber
from pushserver.platforms.webhook import Webhook
from pushserver.platforms.wechat import WeChat, robot_url
from tests.platforms.deliveries import delivery
from tests.platforms.scripted_post import ScriptedPost, answer

OK = {"errcode": 0, "errmsg": "ok"}
LONG_TEXT = "text.content exceed max length 2048. invalid Request Parameter"
HINT = "invalid webhook url, hint: [1708397705432012366598976], from ip: 1.2.3.4"


@pytest.mark.parametrize(
    ("level", "title"), [(Level.INFO, "📋 T"), (Level.WARNING, "⚠️ T"), (Level.ERROR, "🚨 T")]
)
def test_text_payload(level: Level, title: str) -> None:
    post = ScriptedPost([answer(OK)])
    verdict = Webhook(WeChat(), post, Scrubber()).deliver(delivery("T", "M", level=level))
    assert verdict == Delivered(code=0, detail="ok")
    assert post.payloads == [{"msgtype": "text", "text": {"content": f"{title}\nM"}}]
    assert post.queries == [""]


def test_card_payload() -> None:
    post = ScriptedPost([answer(OK)])
    Webhook(WeChat(), post, Scrubber()).deliver(delivery("T", "一\n二", style=Style.CARD))
    content = "### 🚨 T\n\n一\n二\n\n---\n\n**发送时间:** 2024-01-01 20:00:05"
    assert post.payloads == [{"msgtype": "markdown", "markdown": {"content": content}}]


def test_debug_is_stripped_from_the_url() -> None:
    assert robot_url("https://h/send?key=k&debug=1") == "https://h/send?key=k"


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (-1, "system busy", Transient(code=-1, detail="system busy", retries=3)),
        (6000, "data version conflict", Transient(code=6000, detail="data version conflict")),
        (40008, "invalid message type", MessageRefused),
        (40058, "markdown.content exceed max length 4096. invalid Request Parameter", MessageRefused),
        (40058, LONG_TEXT, MessageRefused),
        (40058, "Warning: wrong json format.", MessageRefused),
        (44004, "empty content", MessageRefused),
        (45002, "content too large", MessageRefused),
        (
            45009,
            "api freq out of limit",
            RateLimited(waits=(60,), code=45009, detail="api freq out of limit"),
        ),
        (45033, "api concurrent out of limit", RateLimited),
        (40033, "invalid character", MessageRefused),
        (40035, "invalid parameter", MessageRefused),
        (40063, "missing parameter", MessageRefused),
        (41006, "missing media_id", MessageRefused),
        (93000, HINT, EndpointBroken(code=93000, detail=HINT)),
        (93000, "text exceed max length", MessageRefused),
        (93004, "robot disabled", EndpointBroken),
        (93006, "bad group id", MessageRefused),
        (93008, "not in group", EndpointBroken),
        (77777, "who knows", Transient(code=77777, detail="who knows", retries=1)),
    ],
)
def test_each_code_has_its_verdict(code: int, text: str, verdict: Verdict | type[Verdict]) -> None:
    got = WeChat().judge(answer({"errcode": code, "errmsg": text})).verdict
    if isinstance(verdict, type):
        assert (type(got), got.code, got.detail) == (verdict, code, text)
    else:
        assert got == verdict


def test_too_many_at_once_rests_two_seconds() -> None:
    verdict = WeChat().judge(answer({"errcode": 45033, "errmsg": ""})).verdict
    assert isinstance(verdict, RateLimited)
    assert verdict.waits == (2,)


@pytest.mark.parametrize("body", ["", "{}", "<html></html>", '{"errcode":"x"}', '{"status":1111}'])
def test_without_a_code_it_is_no_success(body: str) -> None:
    assert isinstance(WeChat().judge(answer(body)).verdict, Transient)


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_zero_under_a_bad_status_is_no_success(status: int) -> None:
    assert isinstance(WeChat().judge(answer(OK, status)).verdict, Transient)


@pytest.mark.parametrize(
    ("code", "text", "remedy"),
    [
        (40058, LONG_TEXT, Remedy.SHORTER),
        (40058, "invalid Request Parameter", Remedy.PLAINER),
        (93000, "exceed max length", Remedy.SHORTER),
        (45002, "", Remedy.SHORTER),
        (93000, HINT, Remedy.NONE),
        (44004, "empty content", Remedy.NONE),
    ],
)
def test_only_refusals_of_the_form_have_a_remedy(code: int, text: str, remedy: Remedy) -> None:
    assert WeChat().judge(answer({"errcode": code, "errmsg": text})).remedy is remedy
