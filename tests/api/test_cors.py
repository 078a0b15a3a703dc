"""Web pages that use the API: none by default, those of certain origins where that is configured."""

import pytest

from pushserver.config import AuthSettings, Scope, ServerSettings
from tests.api.api_parts import push_body
from tests.api.guarded import KEY, Guarded, key

OURS, OTHERS = "https://ops.example", "https://evil.example"
ALLOWED = "access-control-allow-origin"
ASKING = {
    "Origin": OURS,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


def test_by_default_no_page_may() -> None:
    result = Guarded()("OPTIONS", "/api/v1/push", headers=ASKING)
    assert not [name for name in result.headers if name.startswith("access-control-")]


def test_a_page_of_a_configured_origin_may_with_its_key() -> None:
    api = Guarded(key(Scope.PUSH), cors=(OURS,))
    asked = api("OPTIONS", "/api/v1/push", headers=ASKING)
    assert asked.status_code == 200
    assert asked.headers[ALLOWED] == OURS
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert asked.headers["access-control-allow-headers"] == "authorization, content-type"
    pushed = api("POST", "/api/v1/push", shown=KEY, json=push_body(), headers={"Origin": OURS})
    assert pushed.status_code == 200
    assert pushed.headers[ALLOWED] == OURS
    assert pushed.headers["access-control-expose-headers"] == "X-Request-ID"
    assert pushed.headers["vary"] == "Origin"


def test_refusals_can_be_read_by_the_page() -> None:
    refused = Guarded(key(Scope.PUSH), cors=(OURS,))("POST", "/api/v1/push", headers={"Origin": OURS})
    assert (refused.status_code, refused.headers[ALLOWED]) == (401, OURS)


@pytest.mark.parametrize("origin", [OTHERS, "null", "http://ops.example", f"{OURS}.evil.example"])
def test_a_page_of_another_may_not(origin: str) -> None:
    result = Guarded(cors=(OURS,))("GET", "/health", headers={"Origin": origin})
    assert ALLOWED not in result.headers
    assert result.headers["vary"] == "Origin"


def test_a_star_means_all_pages_but_never_with_cookies() -> None:
    result = Guarded(cors=("*",))("GET", "/health", headers={"Origin": OTHERS})
    assert result.headers[ALLOWED] == "*"
    assert "access-control-allow-credentials" not in result.headers


def test_a_page_is_no_operator_even_at_the_machine_itself() -> None:
    api = Guarded(cors=("*",))
    result = api("DELETE", "/api/v1/notifications", remote_addr="127.0.0.1", headers={"Origin": OURS})
    assert result.status_code == 403


def test_other_origins_come_into_effect_while_the_door_is_open() -> None:
    api = Guarded(cors=(OURS,))
    api.safeguards.apply(ServerSettings(cors=(OTHERS,)), AuthSettings())
    assert ALLOWED not in api("GET", "/health", headers={"Origin": OURS}).headers
    assert api("GET", "/health", headers={"Origin": OTHERS}).headers[ALLOWED] == OTHERS
