import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from pushserver.sandbox import BadSettingError, Robot, Sandbox
from tests.sandbox.calling import Answered, post

TEXT = {"msg_type": "text", "content": {"text": "hi"}}
SUCCESS = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}


@pytest.fixture
def robot(sandbox: Sandbox) -> Robot:
    return sandbox.feishu("t")


class Posting(threading.Thread):
    """A call under way in a thread of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.answer: Answered | None = None
        self.start()

    def run(self) -> None:
        self.answer = post(self.url, TEXT)

    def result(self) -> Answered:
        self.join(5.0)
        assert self.answer is not None
        return self.answer


@pytest.mark.parametrize(
    ("body", "status", "raw", "content_type"),
    [
        ("<html>502 Bad Gateway</html>", 502, b"<html>502 Bad Gateway</html>", "text/html; charset=utf-8"),
        ("", 200, b"", "text/html; charset=utf-8"),
        ({}, 200, b"{}", "application/json; charset=utf-8"),
        (SUCCESS, 503, None, "application/json; charset=utf-8"),
        (b"\xff\xfe", 200, b"\xff\xfe", "text/html; charset=utf-8"),
    ],
)
def test_any_answer_can_be_scripted(
    robot: Robot, body: str | bytes, status: int, raw: bytes | None, content_type: str
) -> None:
    robot.answer(body, status=status)
    answer = post(robot.url, TEXT)
    assert (answer.status, answer.headers["Content-Type"]) == (status, content_type)
    assert answer.json == SUCCESS if raw is None else answer.raw == raw
    assert post(robot.url, TEXT).json == SUCCESS
    assert [(arrival.accepted, arrival.code) for arrival in robot.arrivals] == [(False, status), (True, 0)]


def test_a_scripted_answer_may_hide_that_the_message_got_in(robot: Robot) -> None:
    robot.answer("<html></html>", status=504, accepted=True)
    assert post(robot.url, TEXT).status == 504
    assert [arrival.payload for arrival in robot.messages] == [TEXT]


def test_outcomes_queue_up(robot: Robot) -> None:
    robot.fail(11232, times=2)
    robot.answer("", status=500)
    robot.fail(19007, times=None)
    answers = [post(robot.url, TEXT) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 500, 200, 200]
    assert [arrival.code for arrival in robot.arrivals] == [11232, 11232, 500, 19007, 19007]
    robot.recover()
    assert post(robot.url, TEXT).json == SUCCESS


def test_a_dropped_call_arrived_and_is_not_answered(robot: Robot) -> None:
    robot.drop(times=1)
    with pytest.raises(http.client.RemoteDisconnected):
        post(robot.url, TEXT)
    assert [(arrival.accepted, arrival.answered) for arrival in robot.messages] == [(True, False)]
    assert post(robot.url, TEXT).json == SUCCESS


def test_a_call_dropped_unread_never_arrived(robot: Robot) -> None:
    robot.drop(times=1, unread=True)
    with pytest.raises(ConnectionResetError):
        post(robot.url, TEXT)
    assert robot.arrivals == []
    assert post(robot.url, TEXT).json == SUCCESS


def test_the_connection_is_reset_before_the_body_was_sent(robot: Robot) -> None:
    robot.drop(times=1, unread=True)
    parts = urlsplit(robot.url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((parts.hostname, parts.port or 0), 5.0) as connection:
        connection.sendall(head.encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_delayed_answer_comes_late_and_the_message_at_once(robot: Robot) -> None:
    robot.delay(0.3, times=1)
    began = time.monotonic()
    posting = Posting(robot.url)
    robot.wait(1)
    assert posting.answer is None
    assert posting.result().json == SUCCESS
    assert time.monotonic() - began >= 0.3
    assert robot.faults == ()


def test_a_hanging_robot_answers_when_released(robot: Robot) -> None:
    robot.hang()
    postings = [Posting(robot.url) for _ in range(3)]
    robot.wait(3)
    assert [posting.answer for posting in postings] == [None] * 3
    robot.release()
    assert [posting.result().json for posting in postings] == [SUCCESS] * 3
    assert post(robot.url, TEXT).json == SUCCESS


def test_a_hanging_robot_outlasts_the_callers_patience(robot: Robot) -> None:
    robot.hang()
    with pytest.raises(TimeoutError):
        post(robot.url, TEXT, timeout=0.1)
    robot.release()
    assert len(robot.messages) == 1


def test_a_robot_that_hangs_does_not_hold_up_its_neighbour(sandbox: Sandbox, robot: Robot) -> None:
    robot.hang()
    posting = Posting(robot.url)
    robot.wait(1)
    assert post(sandbox.feishu("neighbour").url, TEXT).json == SUCCESS
    robot.recover()
    assert posting.result().json == SUCCESS


def test_a_dripping_answer_outlasts_a_time_out_that_only_counts_silence(robot: Robot) -> None:
    robot.drip(0.003)
    began = time.monotonic()
    assert post(robot.url, TEXT, timeout=0.4).json == SUCCESS
    # 150 and more bytes, 3 ms apart: each of them well within the time-out, all of them beyond it.
    assert time.monotonic() - began > 0.4
    robot.drip(0)
    assert robot.faults == ()


def test_a_refusal_can_be_late_and_lost(robot: Robot) -> None:
    robot.fail(19024)
    robot.delay(0.01)
    robot.drop()
    with pytest.raises(http.client.RemoteDisconnected):
        post(robot.url, TEXT)
    assert [(arrival.code, arrival.answered) for arrival in robot.arrivals] == [(19024, False)]


def test_what_the_next_caller_would_meet_is_named(robot: Robot) -> None:
    robot.fail(19024)
    robot.delay(1.0)
    robot.drip(1.0, times=2)
    robot.drop()
    robot.drop(unread=True)
    robot.hang()
    assert robot.faults == ("answer", "delay", "drip", "drop", "drop_unread", "hang")
    robot.recover()
    assert not robot.faults


def test_a_negative_wait_makes_no_sense(robot: Robot) -> None:
    with pytest.raises(BadSettingError, match=r"a wait of -1 s; expected 0 or more"):
        robot.delay(-1)


def test_closing_the_sandbox_leaves_nobody_waiting() -> None:
    with Sandbox() as sandbox:
        robot = sandbox.feishu("t")
        robot.hang()
        parts = urlsplit(robot.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5.0)
        connection.request("POST", parts.path, b"{}")
        robot.wait_for(lambda journal: journal.count == 1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()
