"""``X-Request-ID``, in and out, and in the log."""

import logging
import re

import falcon
import pytest
from falcon import testing

from pushserver.api.request_id import RequestIds
from pushserver.logs import current_request
from tests.api.guarded import Guarded


@pytest.mark.parametrize("given", ["one", "0123456789abcdef", "a.B_c:d-e", "x" * 64])
def test_a_callers_id_comes_back(given: str) -> None:
    result = Guarded()("GET", "/health", headers={"X-Request-ID": given})
    assert result.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", " ", "x" * 65, 'a"b', "a b", "\u00e4", "{}", "a\tb"])
def test_what_is_no_plausible_id_is_replaced(given: str) -> None:
    result = Guarded()("GET", "/health", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{16}", result.headers["x-request-id"])


def test_every_request_has_one_of_its_own() -> None:
    api = Guarded()
    assert len({api("GET", "/health").headers["x-request-id"] for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("PATCH", "/health"), ("POST", "/api/v1/push")]
)
def test_refusals_have_one_too(method: str, path: str) -> None:
    assert Guarded()(method, path, headers={"X-Request-ID": "one"}).headers["x-request-id"] == "one"


class Crashing:
    def on_get(self, _req: falcon.Request, _resp: falcon.Response) -> None:
        logging.getLogger("tests").error("%s", current_request.get())
        raise falcon.HTTPInternalServerError


def test_it_is_known_while_the_request_is_answered_and_not_behind_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = falcon.App(middleware=[RequestIds(lambda _: "made")])
    app.add_route("/", Crashing())
    testing.TestClient(app).simulate_get("/")
    assert caplog.messages == ["made"]
    assert current_request.get() == ""
