import json

from pushserver.cli.client import Client
from pushserver.cli.waiting import Look, looks
from tests.cli.scripted_api import answering, response


class Clock:
    """Time that passes only while somebody pauses."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(round(seconds, 3))


def _stands(status: str) -> bytes:
    task = {"task_id": "t", "status": status, "progress": {}, "results": []}
    return response(200, json.dumps({"code": 200, "data": task}))


def _looks(url: str, timeout: float, clock: Clock) -> list[Look]:
    return list(looks(Client(url), "t", timeout, clock, clock.pause))


def test_looking_ends_with_the_first_final_status() -> None:
    clock = Clock()
    with answering(_stands("pending"), _stands("processing"), _stands("failed"), _stands("pending")) as (
        url,
        _,
    ):
        seen = _looks(url, 60.0, clock)
    assert [look.task and look.task["status"] for look in seen] == ["pending", "processing", "failed"]
    assert [look.final for look in seen] == [False, False, True]


def test_a_service_that_is_away_for_a_moment_is_waited_for() -> None:
    with answering(_stands("pending"), b"", b"", _stands("completed")) as (url, _):
        seen = _looks(url, 60.0, Clock())
    assert [look.task and look.task["status"] for look in seen] == ["pending", None, None, "completed"]


def test_pauses_grow_to_a_second_and_end_with_the_patience() -> None:
    clock = Clock()
    with answering(*[_stands("pending")] * 20) as (url, _):
        seen = _looks(url, 4.0, clock)
    assert clock.pauses == [0.05, 0.075, 0.113, 0.169, 0.253, 0.38, 0.57, 0.854, 1.0, 0.537]
    assert seen[-1].elapsed == 4.0


def test_there_is_one_look_even_without_any_patience() -> None:
    clock = Clock()
    with answering(_stands("processing")) as (url, _):
        assert len(_looks(url, 0.0, clock)) == 1
    assert clock.pauses == []
