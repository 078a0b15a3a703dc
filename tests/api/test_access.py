"""Who may do what at the door: by key, and, where there are no keys, by where somebody stands."""

import logging
from typing import Any

import pytest
from falcon import inspect

from pushserver.api import create_app
from pushserver.api.catalog import BY_ROUTE, OPERATIONS
from pushserver.api.operation import Operation
from pushserver.config import AuthSettings, Scope, ServerSettings
from tests.api.api_parts import Parts, push_body
from tests.api.guarded import ELSEWHERE, KEY, OTHER_KEY, Guarded, key, operations

OPERATING = pytest.mark.parametrize("operation", operations(Scope.OPERATE), ids=lambda found: found.id)
ALL = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.id)
PUSH = "/api/v1/push"
NOTIFICATIONS = "/api/v1/notifications"


def test_every_route_has_its_operation_so_that_none_is_open_by_oversight() -> None:
    app = create_app(Parts().dependencies())
    there_are = {
        (method.method, route.path)
        for route in inspect.inspect_compiled_router(app._router)
        for method in route.methods
        if not method.internal
    }
    assert {route for route in there_are if route[0] != "HEAD"} == {
        route for route in BY_ROUTE if route[0] != "HEAD"
    }
    assert there_are <= set(BY_ROUTE)


# Without keys ----------------------------------------------------------------------------------------


def test_without_keys_everybody_may_push_and_read() -> None:
    api = Guarded()
    assert api("POST", PUSH, json=push_body()).status_code == 200
    assert api("GET", NOTIFICATIONS).status_code == 200
    assert api("GET", "/metrics").status_code == 200


@OPERATING
def test_without_keys_nobody_operates_from_elsewhere(operation: Operation) -> None:
    result = Guarded().ask(operation)
    assert result.status_code == 403
    assert result.json == {
        "code": 403,
        "message": "没有权限",
        "error": (
            "未配置API密钥（auth.keys）时，此操作只能在本机直接进行，不能经过代理或来自网页；"
            "请在本机执行，或配置具有 operate 权限的密钥"
        ),
    }


@OPERATING
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_keys_the_machine_itself_operates(operation: Operation, address: str) -> None:
    assert Guarded().ask(operation, remote_addr=address).status_code not in {401, 403}


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Anything",
        "X-Real-IP",
        "Via",
        "Origin",
    ],
)
def test_without_keys_a_loopback_peer_that_speaks_for_somebody_is_not_the_machine(header: str) -> None:
    api = Guarded()
    assert api("DELETE", NOTIFICATIONS, remote_addr="127.0.0.1", headers={header: "x"}).status_code == 403


def test_without_keys_an_address_that_is_none_is_not_the_machine() -> None:
    assert Guarded()("DELETE", NOTIFICATIONS, remote_addr="unix:").status_code == 403


# With keys -------------------------------------------------------------------------------------------


@ALL
def test_with_keys_only_health_and_the_document_are_open(operation: Operation) -> None:
    result = Guarded(key(*Scope)).ask(operation, remote_addr="127.0.0.1")
    if operation.scope is None:
        assert operation.path in {"/health", "/api/v1/openapi.json"}
        assert result.status_code == 200
    else:
        assert result.json == {
            "code": 401,
            "message": "未授权",
            "error": "需要API密钥：Authorization: Bearer <密钥>，或 X-API-Key: <密钥>",
        }
        assert result.headers["www-authenticate"] == 'Bearer realm="PushServer"'


@ALL
def test_a_key_opens_what_its_scopes_name_and_nothing_else(operation: Operation) -> None:
    for scope in Scope:
        status = Guarded(key(scope)).ask(operation, shown=KEY).status_code
        assert (status == 403) == (operation.scope not in {scope, None})
        assert status != 401


def test_a_key_without_the_scope_is_told_which_one() -> None:
    result = Guarded(key(Scope.READ))("POST", PUSH, shown=KEY, json=push_body())
    assert result.json == {"code": 403, "message": "没有权限", "error": "密钥 ps_0000000a 没有 push 权限"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer   {KEY} "},
        {"X-API-Key": KEY},
        {"Authorization": "Basic dXNlcjpwYXNz", "X-API-Key": KEY},
    ],
)
def test_a_key_is_shown_in_one_of_two_headers(headers: dict[str, str]) -> None:
    assert Guarded(key(Scope.READ))("GET", NOTIFICATIONS, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "shown",
    [KEY[:-1] + "4", KEY + "5", KEY[:11], OTHER_KEY, "x", "ps_", "\u00ff" * 50, KEY.upper(), KEY[3:]],
)
def test_any_other_text_is_no_key(shown: str) -> None:
    result = Guarded(key(*Scope))("GET", NOTIFICATIONS, headers={"X-API-Key": shown})
    assert (result.status_code, result.json["error"]) == (401, "API密钥无效")


def test_head_needs_what_get_needs() -> None:
    api = Guarded(key(Scope.PUSH))
    assert api("HEAD", NOTIFICATIONS).status_code == 401
    assert api("HEAD", NOTIFICATIONS, shown=KEY).status_code == 403


def test_what_is_no_route_answers_as_ever() -> None:
    api = Guarded(key(*Scope))
    assert api("GET", "/nowhere").status_code == 404
    assert api("PATCH", NOTIFICATIONS).status_code == 405


def test_other_keys_come_into_effect_while_the_door_is_open() -> None:
    api = Guarded(key(*Scope))
    api.safeguards.apply(ServerSettings(), AuthSettings(keys=(key(*Scope, shown=OTHER_KEY),)))
    assert api("GET", NOTIFICATIONS, shown=KEY).status_code == 401
    assert api("GET", NOTIFICATIONS, shown=OTHER_KEY).status_code == 200


# For certain recipients ------------------------------------------------------------------------------


@pytest.fixture
def narrow() -> Guarded:
    """Its key may push to ``ops_alert`` only, and has all scopes."""
    return Guarded(key(*Scope, recipients=("ops_alert",)))


def test_a_key_for_some_recipients_pushes_to_them(narrow: Guarded) -> None:
    assert narrow("POST", PUSH, shown=KEY, json=push_body()).status_code == 200


@pytest.mark.parametrize("alias", ["only.system", "unknown"])
def test_and_to_no_other_nor_learns_who_there_is(narrow: Guarded, alias: str) -> None:
    result = narrow("POST", PUSH, shown=KEY, json=push_body(recipient_alias=alias))
    assert result.json == {
        "code": 403,
        "message": "没有权限",
        "error": "密钥不能用于该接收者（auth.keys[].recipients）",
    }
    assert narrow.parts.tasks == {}


def test_in_a_batch_the_others_get_their_error_and_its_own_go(narrow: Guarded) -> None:
    pushes = [push_body(), push_body(recipient_alias="only.system"), {"content": 1}]
    result = narrow("POST", f"{PUSH}/batch", shown=KEY, json={"pushes": pushes})
    first, second, third = result.json["data"]["results"]
    assert result.status_code == 200
    assert first["task_id"] in narrow.parts.tasks
    assert second == {"error": "没有权限: 密钥不能用于该接收者（auth.keys[].recipients）", "code": 403}
    assert third["code"] == 400


def test_tasks_of_others_are_unknown_to_it() -> None:
    parts = Parts()
    both = Guarded(
        key(*Scope, recipients=("ops_alert",)),
        key(*Scope, shown=OTHER_KEY),
        parts=parts,
    )
    for alias, status in (("ops_alert", 200), ("only.system", 404)):
        pushed = both("POST", PUSH, shown=OTHER_KEY, json=push_body(recipient_alias=alias))
        path = f"/api/v1/task/{pushed.json['data']['task_id']}"
        assert both("GET", path, shown=KEY).status_code == status
        assert both("GET", path, shown=OTHER_KEY).status_code == 200


@ALL
def test_nothing_that_is_about_everybody_is_open_to_it(narrow: Guarded, operation: Operation) -> None:
    status = narrow.ask(operation, shown=KEY).status_code
    assert (status == 403) == (operation.scope is not None and not operation.by_recipient)


# The log ---------------------------------------------------------------------------------------------


def lines(caplog: pytest.LogCaptureFixture, action: str) -> list[dict[str, Any]]:
    wanted = ("operation", "target", "client", "key", "status")
    return [
        {name: value for name, value in vars(record).items() if name in wanted}
        for record in caplog.records
        if getattr(record, "action", "") == action
    ]


@pytest.mark.parametrize(
    ("shown", "known_as"),
    [("ps_0000000a_wrong", "ps_0000000a"), ("my-password", "-"), ("", "-")],
)
def test_a_refusal_is_logged_with_the_first_part_of_a_key_and_of_nothing_else(
    caplog: pytest.LogCaptureFixture, shown: str, known_as: str
) -> None:
    Guarded(key(*Scope))("GET", NOTIFICATIONS, headers={"X-API-Key": shown})
    assert lines(caplog, "access_denied") == [
        {"operation": "list_notifications", "client": ELSEWHERE, "key": known_as, "status": 401}
    ]
    assert "wrong" not in caplog.text
    assert "my-password" not in caplog.text


def test_what_an_operator_does_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    api = Guarded(key(Scope.OPERATE))
    body = {"address": "/delivery-0/recipients/ops"}
    with caplog.at_level(logging.INFO):
        api("POST", "/api/v1/actors/restart", shown=KEY, json=body)
        api("DELETE", f"{NOTIFICATIONS}/n1", shown=KEY)
        api("POST", "/api/v1/smtp-relay/queue/drop", shown=KEY, json={"mail_ids": ["m1"]})
        api("POST", "/api/v1/smtp-relay/queue/retry", shown=KEY, json={"mail_ids": "all"})
        api("DELETE", NOTIFICATIONS, shown="x")
    common = {"client": ELSEWHERE, "key": "ps_0000000a", "status": 200}
    assert lines(caplog, "audit") == [
        common | {"operation": "restart_actor", "target": "/delivery-0/recipients/ops"},
        common | {"operation": "delete_notification", "target": "n1", "status": 404},
        common | {"operation": "drop_mails", "target": ["m1"]},
        common | {"operation": "retry_mails", "target": "all"},
        common | {"operation": "clear_notifications", "target": "-", "key": "-", "status": 401},
    ]


def test_pushes_and_looks_are_not(caplog: pytest.LogCaptureFixture) -> None:
    api = Guarded(key(*Scope))
    with caplog.at_level(logging.INFO):
        api("POST", PUSH, shown=KEY, json=push_body())
        api("GET", NOTIFICATIONS, shown=KEY)
    assert lines(caplog, "audit") == []
