"""How two processes begin and end a connection: each proves that it knows the key, in bounded time."""

import os
import socket
import struct
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Final

TIMEOUT: Final = 5.0
"""Seconds that the other side may take for each step; one that is stopped must not hold up anybody."""


def dial(path: str, authkey: bytes) -> Connection:
    """Connect to the process that listens at ``path``.

    Raises:
        OSError: nobody listens, does not answer in time, or has another key.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        _set_patience(sock, TIMEOUT)
        sock.connect(path)
        return _prove(sock, authkey, calling=True)


def admit(sock: socket.socket, authkey: bytes) -> Connection:
    """Take the call that ``sock`` is, which is used up.

    Raises:
        OSError: as for :func:`dial`.
    """
    with sock:
        _set_patience(sock, TIMEOUT)
        return _prove(sock, authkey, calling=False)


def hang_up(connection: Connection) -> None:
    """End a connection under whoever reads or writes it; closing the file alone would not wake them."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as sock:
        sock.shutdown(socket.SHUT_RDWR)


def _prove(sock: socket.socket, authkey: bytes, *, calling: bool) -> Connection:
    connection = Connection(os.dup(sock.fileno()))
    steps = (answer_challenge, deliver_challenge) if calling else (deliver_challenge, answer_challenge)
    try:
        for step in steps:
            step(connection, authkey)
        _set_patience(sock, 0)
    except (EOFError, AuthenticationError, AssertionError) as error:
        connection.close()
        raise ConnectionError("the other process does not know the key, or has ended") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _set_patience(sock: socket.socket, seconds: float) -> None:
    """Bound each wait in the kernel, 0 for not at all; Python's own time-outs make files non-blocking."""
    whole = int(seconds)
    limit = struct.pack("ll", whole, int((seconds - whole) * 1e6))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
