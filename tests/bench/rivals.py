"""What the service is measured against: a no-op application and a plain loop."""

import resource
import time
from multiprocessing.connection import Connection
from typing import Any

import falcon
import requests

from actors.cpu import pin
from pushserver.api import HttpServer, open_socket


class _NoOp:
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        req.bounded_stream.read()
        resp.data = b'{"code":200}'


def no_op(pipe: Connection, cpu: int, threads: int) -> None:
    """A falcon application that reads the body and does nothing, on the same server as the service."""
    pin(cpu)
    app: falcon.App[Any, Any] = falcon.App()
    app.add_route("/api/v1/push", _NoOp())
    listening = open_socket("127.0.0.1", 0)
    server = HttpServer(app, listening, threads=threads)
    server.start()
    pipe.send(listening.getsockname()[1])
    pipe.recv()
    server.stop(5.0)


def plain_loop(pipe: Connection, cpu: int, url: str, count: int) -> None:
    """One thread, one ``requests`` session, one POST after the other: sends the seconds it took."""
    pin(cpu)
    body = {"msg_type": "text", "content": {"text": "🔴 标题\n\n" + "正文" * 20}}
    with requests.Session() as session:
        session.post(url, json=body, timeout=10).raise_for_status()
        begun, spent = time.monotonic(), cpu_seconds()
        for _ in range(count):
            session.post(url, json=body, timeout=10).json()
        pipe.send((time.monotonic() - begun, cpu_seconds() - spent))


def cpu_seconds() -> float:
    """User and system time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
