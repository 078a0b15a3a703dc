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
from pushserver.platforms.feishu import Feishu, feishu_sign
from pushserver.platforms.ruling import Remedy
from pushserver.platforms.scrub import Scrubber
from pushserver.platforms.webhook import Webhook
from tests.platforms.deliveries import delivery, moment
from tests.platforms.scripted_post import ScriptedPost, answer

OK = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
LADDER = (1, 2, 4, 8, 16, 32, 60)


@pytest.mark.parametrize(
    ("secret", "timestamp", "sign"),
    [
        ("demo", "100", "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg="),
        ("demo", "1599360473", "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="),
        ("xxx", "1661860880", "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU="),
        ("K7gPq2mTzR9vXw4b", "1700000000", "Azubc4WfNMh6V+deA2JqPCNkMr76GjIQr/Dl7lj9B/c="),
    ],
)
def test_signature(secret: str, timestamp: str, sign: str) -> None:
    assert feishu_sign(secret, timestamp) == sign


def test_a_signed_body_carries_the_moment_of_each_attempt() -> None:
    post = ScriptedPost([answer(OK)])
    robot = Webhook(Feishu("demo"), post, Scrubber())
    robot.deliver(delivery(at=moment(100.9)))
    robot.deliver(delivery(at=moment(1599360473)))
    signed = [(body["timestamp"], body["sign"]) for body in post.payloads]
    assert signed == [
        ("100", "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg="),
        ("1599360473", "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="),
    ]
    assert post.queries == ["", ""]


def test_text_payload() -> None:
    post = ScriptedPost([answer(OK)])
    verdict = Webhook(Feishu(), post, Scrubber()).deliver(delivery("标题", "正文"))
    assert verdict == Delivered(code=0, detail="success")
    assert post.payloads == [{"msg_type": "text", "content": {"text": "🔴 标题\n\n正文"}}]
    assert "标题".encode() in post.bodies[0]


@pytest.mark.parametrize(
    ("level", "template", "title"),
    [(Level.INFO, "blue", "🔵 T"), (Level.WARNING, "orange", "🟡 T"), (Level.ERROR, "red", "🔴 T")],
)
def test_card_payload(level: Level, template: str, title: str) -> None:
    post = ScriptedPost([answer(OK)])
    Webhook(Feishu(), post, Scrubber()).deliver(delivery("T", "**M**", level=level, style=Style.CARD))
    assert post.payloads == [
        {
            "msg_type": "interactive",
            "card": {
                "config": {"wide_screen_mode": True},
                "header": {"template": template, "title": {"tag": "plain_text", "content": title}},
                "elements": [
                    {"tag": "div", "text": {"tag": "lark_md", "content": "**M**"}},
                    {"tag": "hr"},
                    {
                        "tag": "div",
                        "text": {"tag": "lark_md", "content": "**发送时间:** 2024-01-01 20:00:05"},
                    },
                ],
            },
        }
    ]


@pytest.mark.parametrize(
    ("code", "text", "status", "verdict"),
    [
        (0, "success", 200, Delivered(code=0, detail="success")),
        (9499, "Bad Request", 400, MessageRefused(code=9499, detail="Bad Request")),
        (9499, "Bad Request: fail to parse content", 200, MessageRefused),
        (9499, "too many request", 400, RateLimited(waits=LADDER, code=9499, detail="too many request")),
        (11232, "frequency limited psm[lark.oapi]appID[1500]", 200, RateLimited),
        (19001, "param invalid: incoming webhook access token invalid", 200, EndpointBroken),
        (19002, "params error, msg_type need", 200, MessageRefused),
        (19003, "params error, content need object", 200, MessageRefused),
        (19004, "params error, text need", 200, MessageRefused),
        (19007, "Bot Not Enabled", 200, EndpointBroken),
        (19021, "sign match fail or timestamp is not within one hour from current time", 200, RefusedHere),
        (19022, "Ip Not Allowed", 400, RefusedHere),
        (19024, "Key Words Not Found", 200, RefusedHere),
        (19036, "The message exceeds the size limit of 30KB", 200, MessageRefused),
        (200621, "parse card json err", 200, MessageRefused),
        (200861, "unsupported tag", 200, MessageRefused),
        (200570, "card contains invalid image keys", 200, MessageRefused),
        (11310, "card table number over limit", 200, MessageRefused),
        (100290, "Failed to create card content", 200, MessageRefused),
        (230099, "Failed to create card content, ext=ErrCode: 200861; ErrMsg: x", 400, MessageRefused),
        (19999, "Failed to create card content, ext=ErrCode: 11310; ErrMsg: x", 200, MessageRefused),
        (10002, "invalid color", 200, MessageRefused),
        (2200, "internal error", 200, Transient(code=2200, detail="internal error")),
        (2200, "internal error", 500, Transient(code=2200, detail="internal error")),
        (99991400, "request trigger frequency limit", 429, RateLimited),
        (77777, "who knows", 200, Transient(code=77777, detail="who knows", retries=1)),
        (77777, "who knows", 502, Transient(code=77777, detail="who knows")),
    ],
)
def test_each_code_has_its_verdict(
    code: int, text: str, status: int, verdict: Verdict | type[Verdict]
) -> None:
    got = Feishu().judge(answer({"code": code, "msg": text}, status)).verdict
    if isinstance(verdict, type):
        assert (type(got), got.code, got.detail) == (verdict, code, text)
    else:
        assert got == verdict


def test_code_decides_over_status_code() -> None:
    body = {"StatusCode": 0, "StatusMessage": "success", "code": 19024, "msg": "Key Words Not Found"}
    assert isinstance(Feishu().judge(answer(body)).verdict, RefusedHere)


def test_status_code_decides_where_there_is_no_code() -> None:
    assert isinstance(Feishu().judge(answer({"StatusCode": 0})).verdict, Delivered)
    assert isinstance(Feishu().judge(answer({"StatusCode": 19001})).verdict, EndpointBroken)


def test_a_code_that_is_no_number_does_not_fall_back_to_status_code() -> None:
    assert isinstance(Feishu().judge(answer({"StatusCode": 0, "code": None})).verdict, Transient)


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize(
    "body",
    ["", "{}", "<html>ok</html>", "null", "[0]", '{"code":true}', '{"status":1111}', "[" * 9999, b"\xff"],
)
def test_without_a_code_it_is_no_success(body: str | bytes, status: int) -> None:
    verdict = Feishu().judge(answer(body, status)).verdict
    assert isinstance(verdict, Transient)
    assert (verdict.code, verdict.retries) == (status, None)


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_a_zero_under_a_bad_status_is_no_success(status: int) -> None:
    assert isinstance(Feishu().judge(answer(OK, status)).verdict, Transient)


def test_a_redirect_says_so() -> None:
    verdict = Feishu().judge(answer("", 302)).verdict
    assert verdict == Transient(code=302, detail="HTTP 302，不跟随重定向")


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"x-ogw-ratelimit-reset": "7"}, (7.0,)),
        ({"retry-after": "30"}, (30.0,)),
        ({"x-ogw-ratelimit-reset": "999999"}, (3600.0,)),
        ({"x-ogw-ratelimit-reset": "0"}, (1.0,)),
        ({"x-ogw-ratelimit-reset": "soon"}, LADDER),
        ({}, LADDER),
    ],
)
def test_the_reset_header_beats_the_ladder(headers: dict[str, str], waits: tuple[float, ...]) -> None:
    body = {"code": 99991400, "msg": "request trigger frequency limit"}
    verdict = Feishu().judge(answer(body, 429, headers)).verdict
    assert isinstance(verdict, RateLimited)
    assert (verdict.waits, verdict.whole_platform) == (waits, False)


def test_a_429_without_a_body_is_throttling() -> None:
    verdict = Feishu().judge(answer("", 429, {"x-ogw-ratelimit-reset": "9"})).verdict
    assert isinstance(verdict, RateLimited)
    assert verdict.waits == (9.0,)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (9499, Remedy.SHORTER_IF_LARGE),
        (19036, Remedy.SHORTER),
        (200861, Remedy.PLAINER),
        (19001, Remedy.NONE),
        (19024, Remedy.NONE),
    ],
)
def test_only_refusals_of_the_message_have_a_remedy(code: int, remedy: Remedy) -> None:
    assert Feishu().judge(answer({"code": code, "msg": ""})).remedy is remedy
