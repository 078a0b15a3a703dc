"""Whatever is sent, the answer is an envelope and never a fault of ours."""

import json
from typing import Any

from falcon import testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushserver.api import create_app
from tests.api.api_parts import Parts, push_body

CLIENT = testing.TestClient(create_app(Parts().dependencies()))

FIELDS = ["recipient_alias", "type", "strategy", "platform", "style", "content", "stratgy", "pushes"]
SOME_TEXT = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["", "ops_alert", "only.system", "all", "feishu", "error", "card", "\ud800", "\0", "x" * 5000]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | SOME_TEXT
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SOME_TEXT, inner, max_size=4),
    max_leaves=12,
)
CONTENT = st.fixed_dictionaries({}, optional={"title": JSON, "msg": JSON}) | JSON
PUSHES = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON) | {"content": CONTENT})
BATCHES = st.fixed_dictionaries({"pushes": st.lists(PUSHES | JSON, max_size=5) | JSON})
PATHS = st.sampled_from(["/api/v1/push", "/api/v1/push/batch"])

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answer_to(path: str, body: bytes) -> dict[str, Any]:
    result = CLIENT.simulate_post(path, body=body)
    assert result.status_code in {200, 400, 413}
    assert result.headers["content-type"] == "application/json; charset=utf-8"
    envelope = json.loads(result.content.decode())
    assert envelope["code"] == result.status_code
    assert envelope["message"]
    assert envelope.keys() <= {"code", "message", "data", "error", "errors"}
    for fault in envelope.get("errors", []):
        assert fault.keys() == {"field", "reason"}
    return dict(envelope)


@many
@given(PATHS, PUSHES | BATCHES | JSON)
def test_any_json_is_answered(path: str, value: object) -> None:
    answer_to(path, json.dumps(value).encode())


@many
@given(PATHS, st.binary(max_size=200))
def test_any_bytes_are_answered(path: str, body: bytes) -> None:
    answer_to(path, body)


@many
@given(st.sampled_from(FIELDS[:6]), JSON)
def test_any_value_in_any_field_is_answered_and_a_refusal_names_the_field(field: str, value: object) -> None:
    envelope = answer_to("/api/v1/push", json.dumps(push_body(**{field: value})).encode())
    for fault in envelope.get("errors", []):
        assert fault["field"].partition(".")[0] in {field, "recipient_alias"}


@settings(max_examples=20, deadline=None)
@given(PATHS, st.sampled_from([b"[", b'{"content":', b'{"pushes":[']), st.integers(1, 100_000))
def test_any_depth_is_answered(path: str, opening: bytes, depth: int) -> None:
    assert answer_to(path, opening * depth)["code"] in {400, 413}


@settings(max_examples=10, deadline=None)
@given(PATHS, st.integers(0, 9_000_000))
def test_any_size_is_answered(path: str, size: int) -> None:
    body = json.dumps({"pushes": [push_body()]} | push_body()).encode()
    limit = {"/api/v1/push": 1024**2, "/api/v1/push/batch": 8 * 1024**2}[path]
    expected = 413 if max(size, len(body)) > limit else 200
    assert answer_to(path, body.ljust(size))["code"] == expected


@many
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_any_path_is_answered(path: str) -> None:
    result = CLIENT.simulate_get("/api/v1/task/" + path.replace("?", ""))
    assert result.status_code in {200, 404}
    assert result.json["code"] == result.status_code
