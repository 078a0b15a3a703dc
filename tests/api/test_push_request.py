"""The contract's §3, one sentence a test, without HTTP."""

from typing import Any

import pytest

from pushserver.api.push_request import PushRequest, Refused, read_push
from pushserver.domain import Level, PlatformName, Push, Strategy, Style
from tests.api.api_parts import RECIPIENTS, push_body


def accepted(body: object) -> PushRequest:
    request = read_push(body, RECIPIENTS)
    assert isinstance(request, PushRequest), request
    return request


def refused(body: object) -> Refused:
    request = read_push(body, RECIPIENTS)
    assert isinstance(request, Refused), request
    return request


def content(**changes: Any) -> dict[str, Any]:
    return {"title": "标题", "msg": "内容"} | changes


def test_a_full_request_is_read_as_written() -> None:
    assert accepted(push_body()) == PushRequest(
        "ops_alert", Strategy.ALL, None, Push("标题", "内容", Level.ERROR, Style.CARD)
    )


@pytest.mark.parametrize("absence", [..., None, ""])
def test_optional_fields_that_are_absent_null_or_empty_take_their_defaults(absence: object) -> None:
    body = push_body(type=absence, strategy=absence, style=absence, platform=absence)
    assert accepted(body) == PushRequest(
        "ops_alert", Strategy.FAILOVER, None, Push("标题", "内容", Level.INFO, Style.TEXT)
    )


@pytest.mark.parametrize("name", ["all", "failover", "webhook_failover", "mixed"])
def test_the_four_strategies_are_taken(name: str) -> None:
    assert accepted(push_body(strategy=name)).strategy == name


@pytest.mark.parametrize("strategy", ["all", "nonsense", 7, None, ["all"], ...])
def test_a_platform_makes_the_strategy_irrelevant_valid_or_not(strategy: object) -> None:
    request = accepted(push_body(platform="dingtalk", strategy=strategy))
    assert (request.strategy, request.platform) == (Strategy.PLATFORM, PlatformName.DINGTALK)


def test_unknown_fields_are_ignored() -> None:
    assert accepted(push_body(source="zabbix", priority=[1, {"a": None}])) == accepted(push_body())


def test_any_text_can_be_an_alias() -> None:
    assert accepted(push_body(recipient_alias="only.system")).recipient == "only.system"


def test_a_recipient_whose_only_channel_is_system_has_a_channel() -> None:
    for strategy in ("failover", "mixed"):
        assert accepted(push_body(recipient_alias="only.system", strategy=strategy)).strategy == strategy
    request = accepted(push_body(recipient_alias="only.system", platform="system"))
    assert request.platform is PlatformName.SYSTEM


def test_text_that_no_vendor_could_take_is_replaced_and_the_rest_arrives() -> None:
    push = accepted(push_body(content={"title": "a\x00b", "msg": "盘\ud83d满"})).push
    assert (push.title, push.text) == ("a\ufffdb", "盘\ufffd满")


def test_a_very_long_title_is_accepted_whole() -> None:
    assert accepted(push_body(content=content(title="长" * 300_000))).push.title == "长" * 300_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipient_alias": ...}, "请求参数错误: recipient_alias 缺少必填字段"),
        ({"recipient_alias": None}, "请求参数错误: recipient_alias 不能为空"),
        ({"recipient_alias": ""}, "请求参数错误: recipient_alias 不能为空"),
        ({"recipient_alias": 7}, "请求参数错误: recipient_alias 必须是字符串，收到的是数字"),
        ({"recipient_alias": ["a"]}, "请求参数错误: recipient_alias 必须是字符串，收到的是数组"),
        ({"content": ...}, "请求参数错误: content 缺少必填字段"),
        ({"content": None}, "请求参数错误: content 必须是对象，收到的是null"),
        ({"content": "text"}, "请求参数错误: content 必须是对象，收到的是字符串"),
        ({"content": {"msg": "m"}}, "请求参数错误: content.title 缺少必填字段"),
        ({"content": content(title=" \t\n　")}, "请求参数错误: content.title 不能为空"),
        ({"content": content(title=1.5)}, "请求参数错误: content.title 必须是字符串，收到的是数字"),
        ({"content": content(msg=True)}, "请求参数错误: content.msg 必须是字符串，收到的是布尔值"),
        ({"content": content(msg={})}, "请求参数错误: content.msg 必须是字符串，收到的是对象"),
        ({"type": 1}, "请求参数错误: type 必须是字符串，收到的是数字"),
        ({"type": False}, "请求参数错误: type 必须是字符串，收到的是布尔值"),
        ({"platform": ["feishu"]}, "请求参数错误: platform 必须是字符串，收到的是数组"),
        ({"stratgy": "all"}, "请求参数错误: stratgy 是未知字段，是否想写 strategy？"),
        ({"Type": "error"}, "请求参数错误: Type 是未知字段，是否想写 type？"),
        ({"type": "fatal"}, "无效的消息类型: fatal，只支持 info, warning, error"),
        ({"type": "Error"}, "无效的消息类型: Error，只支持 info, warning, error"),
        ({"strategy": "broadcast"}, "无效的发送策略: broadcast"),
        ({"strategy": "platform"}, "无效的发送策略: platform"),
        ({"style": "html"}, "无效的消息样式: html，只支持 text, card"),
        ({"platform": "slack"}, "无效的推送平台: slack"),
        ({"recipient_alias": "Ops_Alert"}, "接收者不存在: Ops_Alert"),
        ({"platform": "email"}, "接收者未启用平台: email"),
        ({"recipient_alias": "nobody"}, "接收者没有可用渠道: nobody"),
        ({"recipient_alias": "hollow"}, "接收者没有可用渠道: hollow"),
        ({"recipient_alias": "hollow", "platform": "email"}, "接收者未启用平台: email"),
    ],
)
def test_each_fault_has_its_text(changes: dict[str, Any], message: str) -> None:
    assert refused(push_body(**changes)).message == message


def test_the_texts_come_in_the_order_of_the_contract_and_all_faults_are_listed() -> None:
    wrong = {
        "recipient_alias": "ghost",
        "type": "x",
        "strategy": "y",
        "style": "z",
        "content": content(msg=" "),
    }
    found = refused(push_body(**wrong))
    assert found.message == "请求参数错误: content.msg 不能为空"
    assert found.errors == [
        {"field": "content.msg", "reason": "不能为空"},
        {"field": "type", "reason": "收到 x，只支持 info, warning, error"},
        {"field": "strategy", "reason": "收到 y，只支持 all, failover, webhook_failover, mixed"},
        {"field": "style", "reason": "收到 z，只支持 text, card"},
        {"field": "recipient_alias", "reason": "接收者不存在"},
    ]


@pytest.mark.parametrize(
    ("mended", "message"),
    [
        ({"content": {"title": "t", "msg": "m"}}, "无效的消息类型: x，只支持 info, warning, error"),
        ({"type": "info"}, "无效的消息样式: z，只支持 text, card"),
        ({"style": "text"}, "无效的推送平台: p"),
        ({"platform": "feishu"}, "接收者不存在: ghost"),
    ],
)
def test_mending_one_fault_after_the_other_brings_up_the_next(mended: dict[str, Any], message: str) -> None:
    body = push_body(
        recipient_alias="ghost", type="x", strategy="y", style="z", platform="p", content={"title": "t"}
    )
    order = ["content", "type", "style", "platform"]
    good = {"content": content(), "type": "info", "style": "text", "platform": "feishu"}
    until = order.index(next(iter(mended)))
    assert refused(body | {name: good[name] for name in order[: until + 1]}).message == message


def test_a_misspelt_required_field_is_named() -> None:
    found = refused({"recipient_alais": "ops_alert", "content": content()})
    expected = "缺少必填字段（收到了 recipient_alais，是否想写 recipient_alias？）"
    assert found.errors == [{"field": "recipient_alias", "reason": expected}]


def test_a_platform_that_the_recipient_lacks_is_told_beside_its_lack_of_channels() -> None:
    fields = [
        error["field"] for error in refused(push_body(recipient_alias="nobody", platform="feishu")).errors
    ]
    assert fields == ["platform", "recipient_alias"]


def test_what_a_caller_wrote_is_quoted_at_reasonable_length() -> None:
    assert refused(push_body(recipient_alias="x" * 10_000)).message == f"接收者不存在: {'x' * 64}…"


@pytest.mark.parametrize(
    ("body", "found"), [([], "数组"), ("push", "字符串"), (7, "数字"), (None, "null"), (True, "布尔值")]
)
def test_a_request_that_is_no_object_is_told_what_it_is(body: object, found: str) -> None:
    assert refused(body).message == f"请求参数错误: 需要JSON对象，收到的是{found}"
