"""Opens the socket that the HTTP door listens on, apart from the door: whoever opens it may hand it on."""

import errno
import os
import socket
from typing import Any, Final

from pushserver.api.errors import CannotListen, PortInUse

BACKLOG: Final = 1024
"""Connections that wait in the kernel while nobody accepts them (a restart of the door, for instance)."""

_HIGHEST_PORT = 65535
_ADVICE = {
    errno.EADDRINUSE: "端口已被占用，请停止占用它的程序或修改 {section}.port",
    errno.EACCES: "没有权限，1024以下的端口需要特权，请修改 {section}.port",
    errno.EADDRNOTAVAIL: "本机没有这个地址，请修改 {section}.host",
}
_OTHER_ADVICE = "请检查 {section}.host 和 {section}.port"


def open_socket(host: str, port: int, *, section: str = "server") -> socket.socket:
    """A listening TCP socket; ``host`` is an IPv4 or IPv6 address or a name, ``port`` 0 takes any free one.

    ``section`` is where in the configuration both are found, for whoever has to change them. ``::`` takes
    IPv4 as well. A name that has both kinds of address is taken for its IPv4 address.

    Raises:
        PortInUse: Somebody listens there already.
        CannotListen: Everything else that stands against it.
    """
    if not 0 <= port <= _HIGHEST_PORT:  # getaddrinfo would take it modulo 65536
        raise CannotListen(f"无法监听 {_where(host, port)}：{section}.port 必须在 0 到 {_HIGHEST_PORT} 之间")
    family, address = _resolve(host, port, section)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, section, error) from None
    return listener


def _resolve(host: str, port: int, section: str) -> tuple[int, tuple[Any, ...]]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _cannot_listen(host, port, section, error) from None
    # AF_INET sorts before AF_INET6.
    family, _, _, _, address = min(found, key=lambda info: info[0])
    return family, address


def _cannot_listen(host: str, port: int, section: str, error: Exception) -> CannotListen:
    number = error.errno if isinstance(error, OSError) else None
    kind = PortInUse if number == errno.EADDRINUSE else CannotListen
    advice = _ADVICE.get(number or 0, _OTHER_ADVICE).format(section=section)
    cause = os.strerror(number) if number in _ADVICE and number else str(error)
    return kind(f"无法监听 {_where(host, port)}：{advice}（{cause}）")


def _where(host: str, port: int) -> str:
    host = host.strip("[]")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
