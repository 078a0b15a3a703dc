"""How many requests a client may make: ``server.rate_limit``, in this process.

The generic cell rate algorithm: a client may come ``count`` times at once, and then at an even pace. All that
is remembered of it is the moment up to which it has used its share.
https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_interface
from threading import Lock
from typing import Final

import falcon

from pushserver.config import Rate

MOST_CLIENTS: Final = 10_000
"""Clients remembered; of more, those who have been quiet longest begin anew."""
_EXEMPT: Final = "/health"
_IPV6_CLIENT: Final = 64


class RateLimit:
    """Middleware. Answers 429 with ``Retry-After`` to who comes too often; ``clock`` is monotonic.

    A client is an address, of IPv6 the network of 64 bits that one gets as a rule.
    """

    def __init__(self, rates: Sequence[Rate] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = tuple(rates)
        self._clock = clock
        self._lock = Lock()
        self._used: OrderedDict[str, list[float]] = OrderedDict()

    def limit(self, rates: Sequence[Rate]) -> None:
        """Hold clients to these rates, all at once, from now on; without any, to none."""
        with self._lock:
            if self._rates != tuple(rates):
                self._rates = tuple(rates)
                self._used.clear()

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Count the request; probes of the service's health are free."""
        if self._rates and req.path != _EXEMPT and (wait := self._wait(client_of(req.remote_addr))) > 0:
            raise falcon.HTTPTooManyRequests(
                description="超过了每个客户端的请求频率（server.rate_limit）", retry_after=math.ceil(wait)
            )

    def _wait(self, client: str) -> float:
        """Seconds until the client may come again; 0 if it may now, which then counts."""
        with self._lock:
            now = self._clock()
            used = self._used.setdefault(client, [0.0] * len(self._rates))
            self._used.move_to_end(client)
            if len(self._used) > MOST_CLIENTS:
                self._used.popitem(last=False)
            until = [
                max(moment, now) + rate.seconds / rate.count
                for moment, rate in zip(used, self._rates, strict=True)
            ]
            wait = max(moment - now - rate.seconds for moment, rate in zip(until, self._rates, strict=True))
            if wait <= _ROUNDING:
                used[:] = until
                return 0.0
            return wait


_ROUNDING: Final = 1e-6


@lru_cache(MOST_CLIENTS)
def client_of(address: str) -> str:
    """What is counted together."""
    if ":" not in address:
        return address
    try:
        interface = ip_interface(f"{address}/{_IPV6_CLIENT}")
    except ValueError:
        return address
    return str(getattr(interface.ip, "ipv4_mapped", None) or interface.network)
