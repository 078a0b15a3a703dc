from collections.abc import Callable, Iterable
from typing import Any

import pytest

from pushserver.api.forwarded import TrustedProxies, behind
from tests.api.conftest import Served
from tests.api.raw_http import get

ONE = TrustedProxies(["127.0.0.1/32"])
SEVERAL = TrustedProxies(["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "  203.0.113.7 ", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("10.9.9.9", "203.0.113.7, 10.1.2.3, 127.0.0.1", "203.0.113.7"),
        ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("2001:db8::1", "2001:db8:1::7", "2001:db8:1::7"),
        ("2001:db8::1", "[2a00::7]:4711", "2a00::7"),
        ("127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("::ffff:127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_trusted_proxies_are_believed(peer: str, header: str, client: str) -> None:
    assert SEVERAL.client(peer, header) == client


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("203.0.113.9", "127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, unknown", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7, unknown, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", ",", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7.", "127.0.0.1"),
        ("", "203.0.113.7", ""),
    ],
)
def test_nobody_can_claim_to_be_somebody_else(peer: str, header: str, client: str) -> None:
    assert SEVERAL.client(peer, header) == client


def test_only_the_address_itself_is_trusted_where_no_network_is_meant() -> None:
    assert ONE.client("127.0.0.2", "203.0.113.7") == "127.0.0.2"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        TrustedProxies(["nonsense"])


def test_without_any_the_application_stays_as_it_is() -> None:
    def app(environ: object, start_response: object) -> list[bytes]:
        return []

    assert behind(TrustedProxies([]), app) is app


def who_calls(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = f'"{environ["REMOTE_ADDR"]}"'.encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.mark.parametrize(
    ("trusted", "headers", "client"),
    [
        (["127.0.0.0/8"], ["X-Forwarded-For: 203.0.113.7"], "203.0.113.7"),
        (["127.0.0.0/8"], ["X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.7"], "203.0.113.7"),
        (["127.0.0.0/8"], [], "127.0.0.1"),
        (["10.0.0.0/8"], ["X-Forwarded-For: 203.0.113.7"], "127.0.0.1"),
    ],
)
def test_an_application_behind_a_server_sees_the_client(
    trusted: list[str], headers: list[str], client: str, serve: Callable[..., Served]
) -> None:
    with serve(behind(TrustedProxies(trusted), who_calls)).wire() as wire:
        wire.send(get("/", *headers))
        assert wire.answer().body == f'"{client}"'.encode()
