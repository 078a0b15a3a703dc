"""What the door counts: each push once, taken or refused, and why."""

import json

import pytest
from falcon import testing

from pushserver.domain import QueueFull, StoreUnavailable
from tests.api.api_parts import Parts, push_body
from tests.metrics.series import samples

PUSH, BATCH = "/api/v1/push", "/api/v1/push/batch"


def counted(parts: Parts) -> dict[str, float]:
    """By strategy or reason; what is 0 is left out."""
    return {labels[0]: value for (_, labels), value in samples(parts.registry).items()}


def test_an_accepted_push_is_counted_by_its_strategy(client: testing.TestClient, parts: Parts) -> None:
    client.simulate_post(PUSH, json=push_body())
    client.simulate_post(PUSH, json=push_body(platform="feishu"))
    assert counted(parts) == {"all": 1, "platform": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "unreadable"),
        (b"[]", "invalid"),
        (json.dumps(push_body(type="loud")).encode(), "invalid"),
        (json.dumps(push_body(recipient_alias="ghost")).encode(), "recipient"),
        (json.dumps(push_body(platform="email")).encode(), "recipient"),
        (json.dumps(push_body(recipient_alias="nobody")).encode(), "recipient"),
        (json.dumps(push_body(recipient_alias="ghost", type="loud")).encode(), "invalid"),
    ],
)
def test_a_refused_push_is_counted_by_what_has_to_be_mended(
    client: testing.TestClient, parts: Parts, body: bytes, reason: str
) -> None:
    assert client.simulate_post(PUSH, body=body).status_code == 400
    assert counted(parts) == {reason: 1}


@pytest.mark.parametrize(
    ("trouble", "reason"), [(QueueFull(), "queue_full"), (StoreUnavailable(), "store_unavailable")]
)
def test_a_push_that_could_not_be_stored_is_counted_as_refused(
    client: testing.TestClient, parts: Parts, trouble: Exception, reason: str
) -> None:
    parts.trouble = trouble
    assert client.simulate_post(PUSH, json=push_body()).status_code == 503
    assert client.simulate_post(BATCH, json={"pushes": [push_body()] * 3}).status_code == 503
    assert counted(parts) == {reason: 4}


def test_of_a_batch_each_push_counts(client: testing.TestClient, parts: Parts) -> None:
    pushes = [push_body(), push_body(recipient_alias="ghost"), 7, push_body()]
    client.simulate_post(BATCH, json={"pushes": pushes})
    assert counted(parts) == {"all": 2, "recipient": 1, "invalid": 1}


def test_a_batch_that_is_none_counts_once(client: testing.TestClient, parts: Parts) -> None:
    client.simulate_post(BATCH, json={"pushes": {}})
    client.simulate_post(BATCH, body=b"\xff")
    assert counted(parts) == {"invalid": 1, "unreadable": 1}
