"""Robots that do what the sandbox's do not: one counts its connections, one echoes all it hears."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit


class OddRobot(ThreadingHTTPServer):
    """Listens on a free port; ``hear`` says what is answered to a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections = 0
        self.messages = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def hear(self, _path: str, _body: bytes) -> dict[str, Any]:
        return {"code": 0, "msg": "success", "data": {}}


class Mirror(OddRobot):
    """Refuses everything with the request for a reason; ``signatures`` are those that it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.signatures: set[str] = set()

    def hear(self, path: str, body: bytes) -> dict[str, Any]:
        sent = json.loads(body)
        self.signatures |= {sent["sign"]} if "sign" in sent else set()
        self.signatures |= set(parse_qs(urlsplit(path).query).get("sign", ()))
        echo = f"{json.dumps({key: sent[key] for key in sorted(sent, reverse=True)})} at {path}"
        return {"code": 19999, "msg": echo, "errcode": 19999, "errmsg": echo}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # head and body in one segment, or each answer waits for an acknowledgement
    server: OddRobot

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages += 1
        answer = json.dumps(self.server.hear(self.path, body)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


R = TypeVar("R", bound=OddRobot)


@contextmanager
def listening(robot: R) -> Iterator[R]:
    with robot:
        thread = threading.Thread(target=robot.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield robot
        finally:
            robot.shutdown()
            thread.join()
