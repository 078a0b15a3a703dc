from urllib.parse import parse_qs

import pytest

from pushserver.domain import (
    Delivered,
    EndpointBroken,
    Level,
    MessageRefused,
    RateLimited,
    RefusedHere,
    Style,
    Transient,
    Verdict,
)
from pushserver.platforms.dingtalk import DingTalk, dingtalk_sign, robot_url
from pushserver.platforms.http import HttpPost
from pushserver.platforms.ruling import Remedy
from pushserver.platforms.scrub import Scrubber
from pushserver.platforms.webhook import Webhook
from tests.platforms.deliveries import delivery, moment
from tests.platforms.raw_server import OK_ANSWER, answering, serving
from tests.platforms.scripted_post import ScriptedPost, answer

OK = {"errcode": 0, "errmsg": "ok"}
VECTORS = [
    (
        "SECtest",
        1700000000000,
        "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g=",
        "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g%3D",
    ),
    (
        "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68",
        1582163555000,
        "BQKsG+QOCl+bYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY=",
        "BQKsG%2BQOCl%2BbYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY%3D",
    ),
    (
        "this is secret",
        1577262236757,
        "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=",
        "hmPWwU%2B7lVdm3ZZz0r9tSfx0L4Q26jWOZr9%2BGs6EZQM%3D",
    ),
]


@pytest.mark.parametrize(("secret", "timestamp", "sign", "_encoded"), VECTORS)
def test_signature(secret: str, timestamp: int, sign: str, _encoded: str) -> None:
    assert dingtalk_sign(secret, str(timestamp)) == sign


@pytest.mark.parametrize(("secret", "timestamp", "sign", "encoded"), VECTORS)
def test_on_the_wire_the_signature_is_encoded_exactly_once(
    secret: str, timestamp: int, sign: str, encoded: str
) -> None:
    with serving(answering(OK_ANSWER)) as server:
        url = f"http://127.0.0.1:{server.port}/robot/send?access_token=tok%2B1"
        post = HttpPost(url, timeout=5.0)
        assert isinstance(
            Webhook(DingTalk(secret), post, Scrubber()).deliver(delivery(at=moment(timestamp / 1000))),
            Delivered,
        )
        post.close()
    target = server.requests[0].split(b" ")[1].decode()
    assert target == f"/robot/send?access_token=tok%2B1&timestamp={timestamp}&sign={encoded}"
    assert parse_qs(target.partition("?")[2])["sign"] == [sign]


def test_a_pasted_signature_is_stripped() -> None:
    pasted = "https://oapi.dingtalk.com/robot/send?access_token=a&timestamp=1&sign=b%3D"
    assert robot_url(pasted) == "https://oapi.dingtalk.com/robot/send?access_token=a"


def test_without_a_secret_nothing_is_signed() -> None:
    post = ScriptedPost([answer(OK)])
    Webhook(DingTalk(), post, Scrubber()).deliver(delivery())
    assert post.queries == [""]


@pytest.mark.parametrize(
    ("level", "title"), [(Level.INFO, "ℹ️ T"), (Level.WARNING, "⚠️ T"), (Level.ERROR, "❌ T")]
)
def test_text_payload(level: Level, title: str) -> None:
    post = ScriptedPost([answer(OK)])
    assert isinstance(
        Webhook(DingTalk(), post, Scrubber()).deliver(delivery("T", "M", level=level)), Delivered
    )
    assert post.payloads == [{"msgtype": "text", "text": {"content": f"{title}\nM"}}]


def test_a_card_is_markdown_whose_lines_stay_lines() -> None:
    post = ScriptedPost([answer(OK)])
    Webhook(DingTalk(), post, Scrubber()).deliver(delivery("T", "一\n二\n\n三", style=Style.CARD))
    text = "### ❌ T\n\n一  \n二\n\n三\n\n---\n\n**发送时间:** 2024-01-01 20:00:05"
    assert post.payloads == [{"msgtype": "markdown", "markdown": {"title": "❌ T", "text": text}}]


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (0, "ok", Delivered(code=0, detail="ok")),
        ("0", "ok", Delivered(code=0, detail="ok")),
        (-1, "系统繁忙", Transient(code=-1, detail="系统繁忙", retries=3)),
        (40035, "缺少参数 access_token", EndpointBroken(code=40035, detail="缺少参数 access_token")),
        (40035, "缺少参数 json", MessageRefused(code=40035, detail="缺少参数 json")),
        (43002, "需要POST请求", MessageRefused),
        (43004, "无效的HTTP HEADER Content-Type", MessageRefused),
        (300001, "token is not exist", EndpointBroken),
        (300005, "token is not exist", EndpointBroken),
        (310000, "keywords not in content", RefusedHere),
        (310000, "description:关键词不匹配;solution:请联系群管理员", RefusedHere),
        (310000, "sign not match, more: [https://ding-doc.example]", RefusedHere),
        (310000, "invalid timestamp", RefusedHere),
        (310000, "ip 1.2.3.4 not in whitelist", RefusedHere),
        (400013, "群已被解散", EndpointBroken),
        (400101, "access_token不存在", EndpointBroken),
        (400102, "机器人已停用", EndpointBroken),
        (400105, "不支持的消息类型", MessageRefused),
        (400106, "机器人不存在", EndpointBroken),
        (
            410100,
            "发送速度太快而限流",
            RateLimited(waits=(60, 600), code=410100, detail="发送速度太快而限流"),
        ),
        (130101, "send too fast, exceed 20 times per minute", RateLimited),
        (660026, "sending too many messages per minute", RateLimited),
        (123456, "send too fast", RateLimited(waits=(60, 600), code=123456, detail="send too fast")),
        (
            90030,
            "webhook over limit",
            RateLimited(waits=(600, 3600), code=90030, detail="webhook over limit"),
        ),
        (430101, "unsafe link", MessageRefused),
        (430102, "unsafe text", MessageRefused),
        (430103, "unsafe image", MessageRefused),
        (430104, "unsafe content", MessageRefused),
        (460101, "message too long, exceed 20000 bytes", MessageRefused),
        (77777, "who knows", Transient(code=77777, detail="who knows", retries=1)),
    ],
)
def test_each_code_has_its_verdict(code: int | str, text: str, verdict: Verdict | type[Verdict]) -> None:
    got = DingTalk().judge(answer({"errcode": code, "errmsg": text})).verdict
    if isinstance(verdict, type):
        assert (type(got), got.code, got.detail) == (verdict, code, text)
    else:
        assert got == verdict


@pytest.mark.parametrize(
    "body",
    [
        {"errcode": 88, "errmsg": "ding talk error[subcode=90018,submsg=x]"},
        {"errcode": 88, "sub_code": "90002", "errmsg": "ding talk error"},
    ],
)
def test_the_generic_gateway_is_judged_by_its_sub_code(body: dict[str, object]) -> None:
    assert isinstance(DingTalk().judge(answer(body)).verdict, RateLimited)


def test_the_generic_gateway_without_a_known_sub_code_is_unknown() -> None:
    for text in ("ding talk error[subcode=123]", "ding talk error"):
        verdict = DingTalk().judge(answer({"errcode": 88, "errmsg": text})).verdict
        assert isinstance(verdict, Transient)
        assert verdict.retries == 1


@pytest.mark.parametrize(
    "body",
    [
        '{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}',
        '{"errcode":130101,"status":1111,"source":"x5","punish":"deny"}',
        '<html><script>var r={"status":1111,"wait":5,"source":"x5","punish":"deny"}</script></html>',
    ],
)
def test_a_blocked_address_rests_the_whole_platform(body: str) -> None:
    verdict = DingTalk().judge(answer(body)).verdict
    assert isinstance(verdict, RateLimited)
    assert (verdict.waits, verdict.whole_platform) == ((300,), True)


@pytest.mark.parametrize("body", ["", "{}", "<html></html>", '{"errcode":null}', '{"errcode":false}'])
def test_without_a_code_it_is_no_success(body: str) -> None:
    assert isinstance(DingTalk().judge(answer(body)).verdict, Transient)


@pytest.mark.parametrize("status", [301, 500, 502])
def test_a_zero_under_a_bad_status_is_no_success(status: int) -> None:
    assert isinstance(DingTalk().judge(answer(OK, status)).verdict, Transient)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (460101, Remedy.SHORTER),
        (400105, Remedy.PLAINER),
        (430104, Remedy.NONE),
        (43002, Remedy.NONE),
        (310000, Remedy.NONE),
    ],
)
def test_only_refusals_of_the_form_have_a_remedy(code: int, remedy: Remedy) -> None:
    assert DingTalk().judge(answer({"errcode": code, "errmsg": ""})).remedy is remedy
