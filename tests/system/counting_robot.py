"""A Feishu robot that counts its connections, which the sandbox does not tell."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_SUCCESS = b'{"code":0,"msg":"success","data":{}}'


class CountingRobot(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections = 0
        self.messages = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/open-apis/bot/v2/hook/counting"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # head and body in one segment, or each answer waits for an acknowledgement
    server: CountingRobot

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(_SUCCESS)))
        self.end_headers()
        self.wfile.write(_SUCCESS)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@contextmanager
def counting_robot() -> Iterator[CountingRobot]:
    with CountingRobot() as robot:
        thread = threading.Thread(target=robot.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield robot
        finally:
            robot.shutdown()
            thread.join()
