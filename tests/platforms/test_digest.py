"""Several messages merged into one: what it says, and that it always fits."""

import json
import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushserver.domain import Delivered, EndpointBroken, Level, MessageRefused, Push, Style, Transient
from pushserver.platforms import Part, Rated
from pushserver.platforms.dingtalk import DingTalk
from pushserver.platforms.errors import NotSent
from pushserver.platforms.feishu import Feishu
from pushserver.platforms.scrub import Scrubber
from pushserver.platforms.webhook import Robot, Webhook
from pushserver.platforms.wechat import WeChat
from tests.platforms.deliveries import AT, delivery
from tests.platforms.scripted_post import ScriptedPost, answer

OK = answer({"code": 0, "errcode": 0})
ROBOTS: list[Robot] = [Feishu(), Feishu("secret"), DingTalk(), DingTalk("SECsecret"), WeChat()]
MENTION = re.compile(r"<\s*/?\s*at\b|<\s*@|@all", re.IGNORECASE)


def webhook(robot: Robot, post: ScriptedPost | None = None) -> Webhook:
    return Webhook(robot, post or ScriptedPost([OK]), Scrubber())


def part(number: int, title: str = "磁盘告警", text: str = "91% full", *, level: Level = Level.INFO) -> Part:
    at = AT + timedelta(seconds=number)
    return Part(f"task_20240101_200000_{number:012}", Push(title, text, level), at)


def sent(robot: Robot, parts: list[Part], at: datetime = AT) -> tuple[int, str]:
    """How many were merged, and the body as it went out, uncut."""
    post = ScriptedPost([OK])
    endpoint = webhook(robot, post)
    merged = endpoint.merge(parts, at)
    assert merged.push.style is Style.CARD
    verdict = endpoint.deliver(
        delivery(merged.push.title, merged.push.text, level=merged.push.level, style=Style.CARD, at=at)
    )
    assert isinstance(verdict, Delivered)
    assert "内容过长" not in post.bodies[0].decode()
    return merged.count, post.bodies[0].decode()


def test_a_few_messages_have_a_line_each_with_time_title_and_text() -> None:
    parts = [
        part(0, "主库延迟", "12 秒\n仍在上升", level=Level.ERROR),
        part(1, "磁盘", level=Level.WARNING),
        part(2),
    ]
    merged = webhook(Feishu()).merge(parts, AT)
    assert merged.count == 3
    assert merged.push == Push(
        title="3 条消息合并：1 条错误，1 条警告，1 条信息",
        text=(
            "🔴 20:00:05 主库延迟：12 秒 仍在上升\n🟡 20:00:06 磁盘：91% full\n🔵 20:00:07 磁盘告警：91% full"
        ),
        level=Level.ERROR,
        style=Style.CARD,
    )


def test_long_texts_share_the_room() -> None:
    count, body = sent(WeChat(), [part(n, text="中" * 5000) for n in range(10)])
    assert count == 10
    content = json.loads(body)["markdown"]["content"]
    assert 3800 < len(content.encode()) <= 4096
    lengths = [line.count("中") for line in content.splitlines() if "磁盘告警：" in line]
    assert len(lengths) == 10
    assert max(lengths) - min(lengths) < 5


@pytest.mark.parametrize(("robot", "least"), [(Feishu(), 250), (DingTalk(), 250), (WeChat(), 60)])
def test_of_very_many_the_first_have_lines_and_the_others_are_named(robot: Robot, least: int) -> None:
    parts = [part(n) for n in range(1000)]
    count, body = sent(robot, parts)
    assert least < count < 1000
    listed = body.count("磁盘告警")
    assert f"其余 {count - listed} 条" in body
    for number in range(listed, count):
        assert parts[number].task_id in body
    assert parts[count].task_id not in body


def test_one_endless_title_does_not_crowd_out_the_others() -> None:
    count, body = sent(WeChat(), [part(0, "长" * 100_000), *(part(n) for n in range(1, 6))])
    assert count == 6
    assert body.count("磁盘告警") == 5


nasty = st.text(
    st.characters() | st.sampled_from('\ud800\udfff\x00\x1b\r\n"\\<@al t/\u2028🚨中\u200d'), max_size=200
)


@pytest.mark.parametrize("robot", ROBOTS)
@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.tuples(nasty, nasty), min_size=1, max_size=60), times=st.integers(1, 40))
def test_any_words_fit_and_mention_nobody(robot: Robot, words: list[tuple[str, str]], times: int) -> None:
    parts = [part(n, title, text * times) for n, (title, text) in enumerate(words)]
    endpoint = webhook(robot, post := ScriptedPost([OK]))
    merged = endpoint.merge(parts, AT)
    assert 1 <= merged.count <= len(parts)
    endpoint.deliver(delivery(merged.push.title, merged.push.text, level=merged.push.level, style=Style.CARD))
    text = post.bodies[0].decode()
    limit = 4096 if isinstance(robot, WeChat) else 20_000
    size = robot.size(json.loads(text)) if isinstance(robot, WeChat) else len(text.encode())
    assert size <= limit
    assert not MENTION.search(text)
    if merged.count > 1:
        assert "内容过长" not in text


# The other things that a rated platform can do -------------------------------------------------------


def test_webhooks_are_rated() -> None:
    assert isinstance(webhook(Feishu()), Rated)


def test_a_degraded_delivery_is_two_calls() -> None:
    endpoint = webhook(DingTalk(), ScriptedPost([answer({"errcode": 400105, "errmsg": "x"}), OK]))
    endpoint.deliver(delivery(style=Style.CARD))
    assert endpoint.calls == 2


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (answer({"code": 19002, "msg": "params error, msg_type need"}), MessageRefused),
        (answer({"code": 19001, "msg": "token invalid"}), EndpointBroken),
        (NotSent("no connection"), Transient),
    ],
)
def test_a_feishu_robot_is_probed_with_nothing(outcome: object, verdict: type) -> None:
    post = ScriptedPost([outcome])  # type: ignore[list-item]  # parametrized over both kinds
    endpoint = webhook(Feishu(), post)
    assert isinstance(endpoint.probe(AT), verdict)
    assert post.bodies == [b"{}"]
    assert endpoint.calls == 1


@pytest.mark.parametrize("robot", [DingTalk(), WeChat()])
def test_others_have_no_harmless_call(robot: Robot) -> None:
    endpoint = webhook(robot, post := ScriptedPost([OK]))
    assert endpoint.probe(AT) is None
    assert post.bodies == []
