"""On the path of a process, takes its network away: no name has an address, numbers still do."""

import socket
from typing import Any

_resolve = socket.getaddrinfo


def _resolve_nothing(host: Any, port: Any, family: int = 0, *rest: Any, **more: Any) -> Any:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in str(host) else socket.AF_INET, str(host))
    except OSError:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    return _resolve(host, port, family, *rest, **more)


socket.getaddrinfo = _resolve_nothing
