"""Whether somebody greets on a socket: what tells a door that works from one that is only open."""

import socket
from typing import Final

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not listened on
_GREETINGS: Final = (b"220 ", b"421 ")
"""A door with no room for one more works, too."""


def greets(listening: socket.socket, timeout: float) -> bool:
    """Read an SMTP greeting from the address that ``listening`` is bound to, ``timeout`` seconds a step."""
    host, *rest = listening.getsockname()
    address = (_ANY.get(host, host), *rest)
    try:
        with socket.socket(listening.family, socket.SOCK_STREAM) as client:
            client.settimeout(timeout)
            client.connect(address)
            with client.makefile("rb") as replies:
                greeting = replies.readline(1024)
            client.sendall(b"QUIT\r\n")
    except OSError:
        return False
    return greeting.startswith(_GREETINGS)
