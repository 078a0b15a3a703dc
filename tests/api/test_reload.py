"""``POST /api/v1/reload`` and ``…/preview``."""

from typing import Any

import pytest
from falcon import testing

from pushserver.api import Outcome, Reloaded
from pushserver.config import Change, Effect, Fault, Kind
from tests.api.api_parts import Parts

RELOAD, PREVIEW = "/api/v1/reload", "/api/v1/reload/preview"
PORT = Change("server.port", Kind.CHANGED, Effect.RESTART, "8080", "9000")
ADDED = Change("recipients.dev", Kind.ADDED, Effect.RELOAD)
FAULT = Fault("config.yaml", 3, "server.prot", "an unknown key", "one of port, host")
PORT_SHOWN = {
    "path": "server.port",
    "kind": "changed",
    "effect": "restart",
    "before": "8080",
    "after": "9000",
}
ADDED_SHOWN = {"path": "recipients.dev", "kind": "added", "effect": "reload"}


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            Reloaded(Outcome.APPLIED, (ADDED,)),
            {"code": 200, "message": "配置已重新加载", "data": {"changes": [ADDED_SHOWN]}},
        ),
        (
            Reloaded(Outcome.NEEDS_RESTART, (ADDED, PORT)),
            {"code": 409, "message": "部分更改需要重启服务", "data": {"changes": [ADDED_SHOWN, PORT_SHOWN]}},
        ),
        (
            Reloaded(Outcome.FAULTY, faults=(FAULT,)),
            {
                "code": 400,
                "message": "配置无法使用: 共 1 处错误",
                "errors": [
                    {
                        "field": "server.prot",
                        "reason": str(FAULT),
                    }
                ],
            },
        ),
        (
            Reloaded(Outcome.UNCERTAIN, detail="delivery-1 没有应答"),
            {"code": 503, "message": "配置未能及时生效", "error": "delivery-1 没有应答"},
        ),
    ],
)
def test_a_reload_is_answered_with_what_has_become_of_it(
    client: testing.TestClient, parts: Parts, answer: Reloaded, shown: dict[str, Any]
) -> None:
    parts.configuration.answer = answer
    result = client.simulate_post(RELOAD)
    assert (result.status_code, result.json) == (shown["code"], shown)
    assert parts.configuration.reloads == 1
    assert ("retry-after" in result.headers) == (shown["code"] == 503)


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (b"", None),
        (b"{}", None),
        (b'{"configuration": null}', None),
        (b'{"configuration": "recipients: {}"}', "recipients: {}"),
    ],
)
def test_a_preview_is_of_the_services_file_or_of_a_text(
    client: testing.TestClient, parts: Parts, body: bytes, asked: str | None
) -> None:
    parts.configuration.answer = Reloaded(Outcome.COMPARED, (PORT,))
    result = client.simulate_post(PREVIEW, body=body)
    assert result.json == {"code": 200, "message": "配置对比完成", "data": {"changes": [PORT_SHOWN]}}
    assert parts.configuration.previewed == [asked]
    assert parts.configuration.reloads == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", '请求参数错误: 需要JSON对象，如 {"configuration": "recipients: …"}'),
        (b'{"configuration": 1}', "请求参数错误: configuration 必须是字符串（YAML）"),
        (b'{"configuraton": ""}', "请求参数错误: configuraton 是未知字段，是否想写 configuration？"),
    ],
)
def test_a_preview_of_something_else_is_refused(
    client: testing.TestClient, parts: Parts, body: bytes, message: str
) -> None:
    result = client.simulate_post(PREVIEW, body=body)
    assert (result.status_code, result.json["message"]) == (400, message)
    assert parts.configuration.previewed == []
