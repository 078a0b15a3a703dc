"""Ports that somebody else may have: the wanted one, or any free one and a word about it."""

import os
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from pushserver.api import CannotListen, PortInUse, open_socket
from pushserver.cli import exit_codes, screen
from pushserver.cli.errors import CommandFailed

LOOPBACK = "127.0.0.1"

T = TypeVar("T")


def usable_port(wanted: int) -> int:
    """A port of this machine that was free a moment ago: ``wanted``, or another one, which is said.

    Raises:
        CommandFailed: ``wanted`` cannot be listened on for another reason than being taken.
    """
    try:
        with closing(open_socket(LOOPBACK, wanted)) as listener:
            return int(listener.getsockname()[1])
    except PortInUse:
        return _another(wanted)
    except CannotListen as error:
        raise CommandFailed(str(error), exit_codes.UNAVAILABLE) from None


def _another(wanted: int) -> int:
    with closing(open_socket(LOOPBACK, 0)) as listener:
        port = int(listener.getsockname()[1])
    screen.warn(f"端口 {wanted} 已被占用，改用 {port}")
    return port


def listening(listen: Callable[[], T], host: str, port: int) -> T:
    """The result of ``listen``, which listens on ``port`` of ``host``.

    Raises:
        CommandFailed: it cannot.
    """
    try:
        return listen()
    except OSError as error:
        raise CommandFailed(
            f"无法监听 {host}:{port}（{_reason(error)}），请换一个地址或端口", exit_codes.UNAVAILABLE
        ) from error


def _reason(error: OSError) -> str:
    """What went wrong, without the address: ``socket.create_server`` adds it to the system's own words."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error.strerror or error)
