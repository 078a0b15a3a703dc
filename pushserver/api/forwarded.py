"""Whom a request comes from when it came through proxies.

A proxy appends the address that it was called from to ``X-Forwarded-For``; everything to the left of that is
hearsay. So the header is read from its end, for as long as those who speak are trusted:
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For#selecting_an_ip_address
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

Address = IPv4Address | IPv6Address
Application = Callable[[dict[str, Any], Any], Any]

_REMEMBERED: Final = 1024


class TrustedProxies:
    """Those whose word about a client's address counts: addresses and networks, ``10.0.0.0/8``.

    Raises:
        ValueError: one of them is neither.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(map(ip_network, networks))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The address of the client, seen from ``peer`` and the header that it sent.

        The last that no trusted proxy has; where one names nothing that is an address, its own.
        """
        found = _address(peer)
        for hop in reversed(forwarded_for.split(",")):
            if found is None or not self._trusts(found):
                break
            named = _address(hop)
            if named is None:
                break
            found = named
        return peer if found is None else str(found)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def behind(proxies: TrustedProxies, app: Application) -> Application:
    """The application, with ``REMOTE_ADDR`` the client's address; unchanged where nobody is trusted."""
    if not proxies:
        return app

    def forwarded(environ: dict[str, Any], start_response: Any) -> Any:
        if header := environ.get("HTTP_X_FORWARDED_FOR"):
            environ["REMOTE_ADDR"] = proxies.client(environ["REMOTE_ADDR"], header)
        return app(environ, start_response)

    return forwarded


@lru_cache(_REMEMBERED)
def _address(text: str) -> Address | None:
    """The address in a text, its port left out; one that is IPv4 in IPv6's clothes as what it is."""
    try:
        address = ip_address(_without_port(text.strip()))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(text: str) -> str:
    """``192.0.2.1:4711`` and ``[2001:db8::1]:4711`` without theirs."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
