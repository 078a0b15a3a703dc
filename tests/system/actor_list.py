"""The actors of a service as its operators see them, and who of them has begun a new life."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.system.server_process import PushServer

Actor = dict[str, Any]


def actors(server: PushServer, **query: str | int) -> list[Actor]:
    answer = server.client.ask("GET", f"/api/v1/actors?{urlencode(query)}")
    assert answer.status == 200, answer.body.decode()
    return list(answer.data["actors"])


def restart(server: PushServer, address: str) -> dict[str, Any]:
    answer = server.client.ask("POST", "/api/v1/actors/restart", json.dumps({"address": address}).encode())
    assert answer.status == 200, answer.body.decode()
    assert answer.envelope["message"] == "Actor已重启"
    return answer.data


Lives = Mapping[str, tuple[int | None, float]]
"""By address: the process id, and the uptime."""


def lives(server: PushServer) -> Lives:
    return {actor["address"]: (actor["pid"], actor["uptime"]) for actor in actors(server, limit=1000)}


def begun_anew(before: Lives, after: Lives) -> set[str]:
    """Who has another process, or an uptime that does not go on."""
    return {
        address
        for address, (pid, uptime) in before.items()
        if after[address][0] != pid or after[address][1] <= uptime
    }
