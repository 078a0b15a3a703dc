"""A caller of the service's API."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.system.deadline import PATIENCE, until

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def envelope(self) -> dict[str, Any]:
        assert self.headers["content-type"] == JSON
        value = json.loads(self.body.decode())
        assert value["code"] == self.status
        return dict(value)

    @property
    def data(self) -> dict[str, Any]:
        return dict(self.envelope["data"])


class Client:
    """Asks one question a connection, so that any thread may use it and nothing is kept open."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()

    def healthy(self) -> bool:
        return self.ask("GET", "/health").status == 200

    def push(self, recipient: str, title: str = "标题", msg: str = "正文", **fields: str) -> str:
        """The id of the task that the push has become."""
        answer = self.ask("POST", "/api/v1/push", push_body(recipient, title, msg, **fields))
        assert answer.status == 200, answer.body.decode()
        return str(answer.data["task_id"])

    def task(self, task_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/api/v1/task/{task_id}")
        assert answer.status == 200, answer.body.decode()
        return answer.data

    def ended(self, task_id: str, patience: float = PATIENCE) -> dict[str, Any]:
        """The task once its fate is decided."""

        def look() -> dict[str, Any] | None:
            task = self.task(task_id)
            return task if task["status"] in {"completed", "failed"} else None

        return until(look, f"{task_id} has ended: {self.task(task_id)}", patience)

    def outcome(self, recipient: str, **fields: str) -> dict[str, Any]:
        """Push, and what became of it."""
        return self.ended(self.push(recipient, **fields))


def push_body(recipient: str, title: str = "标题", msg: str = "正文", **fields: str) -> bytes:
    push = {"recipient_alias": recipient, "content": {"title": title, "msg": msg}, **fields}
    return json.dumps(push).encode()


def results(task: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Target and status of each result that counts, in their order; the last line of defence left out."""
    return [(item["target"], item["status"]) for item in task["results"] if not item.get("fallback")]
