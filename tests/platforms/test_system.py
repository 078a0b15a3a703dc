import errno
import io
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.domain import (
    Delivered,
    EndpointBroken,
    Level,
    MessageRefused,
    RateLimited,
    Style,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.platforms.errors import AnswerLost, NotSent
from pushserver.platforms.system import (
    ConsoleNotice,
    FileNotice,
    HttpNotice,
    LogNotice,
    _judge_os_error,
    judge_status,
)
from tests.platforms.deliveries import TASK_ID, delivery
from tests.platforms.scripted_post import ScriptedPost, answer

BODY = f"""标题: 数据库告警
类型: error (错误)
接收者: ops_alert
策略: failover
任务: {TASK_ID}
时间: 2024-01-01 20:00:05
内容:
主库延迟 12 秒
"""


class CountingStream(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str, /) -> int:
        self.writes += 1
        return super().write(text)


def test_the_console_shows_a_banner_in_one_write() -> None:
    stream = CountingStream()
    assert ConsoleNotice(stream).deliver(delivery()) == Delivered()
    rule = "=" * 60
    assert stream.getvalue() == f"\n{rule}\n🚨 系统通知 🚨\n{rule}\n{BODY}{rule}\n"
    assert stream.writes == 1


def test_a_console_without_chinese_gets_escapes() -> None:
    raw = io.BytesIO()
    stream: TextIO = io.TextIOWrapper(raw, encoding="ascii")
    assert ConsoleNotice(stream).deliver(delivery()) == Delivered()
    assert b"\\u4e3b\\u5e93" in raw.getvalue()


def test_a_terminal_cannot_be_controlled_by_a_text() -> None:
    stream = io.StringIO()
    ConsoleNotice(stream).deliver(delivery("\x1b[2J题\x07", "\x1b]0;x\x07文"))
    assert "\x1b" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()


def test_a_console_that_hung_up_is_transient() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # Unbuffered below the text layer, so that nothing is left to flush when it is closed.
    with open(writer, "wb", buffering=0) as raw:  # noqa: PTH123 - there is only a file descriptor
        stream = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        verdict = ConsoleNotice(stream).deliver(delivery())
        stream.detach()
    assert verdict == Transient(detail="控制台不可写: Broken pipe")


def test_a_closed_console_is_broken() -> None:
    stream = io.StringIO()
    stream.close()
    assert ConsoleNotice(stream).deliver(delivery()) == EndpointBroken(detail="控制台已关闭")


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_holds_the_notice_and_its_directory_is_made(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "notifications"
    assert FileNotice(directory).deliver(delivery()) == Delivered()
    assert names(directory) == ["system_notify_20240101_200005.txt"]
    assert (directory / "system_notify_20240101_200005.txt").read_text("utf-8") == BODY


def test_notices_of_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    notice = FileNotice(tmp_path)
    for title in ("一", "二", "三"):
        notice.deliver(delivery(title))
    assert names(tmp_path) == [
        "system_notify_20240101_200005.txt",
        "system_notify_20240101_200005_2.txt",
        "system_notify_20240101_200005_3.txt",
    ]
    first = (tmp_path / "system_notify_20240101_200005.txt").read_text("utf-8")
    assert first.startswith("标题: 一\n")


def test_notices_written_at_once_are_all_there(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda n: FileNotice(tmp_path).deliver(delivery(f"n{n}")), range(40)))
    assert verdicts == [Delivered()] * 40
    files = [path.read_text("utf-8") for path in tmp_path.iterdir()]
    assert {text.split("\n")[0] for text in files} == {f"标题: n{number}" for number in range(40)}
    assert all(text.endswith("主库延迟 12 秒\n") for text in files)


def test_a_path_that_is_a_file_is_broken_and_leaves_nothing_behind(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("mine", "utf-8")
    for path in (blocked, blocked / "below"):
        verdict = FileNotice(path).deliver(delivery())
        assert isinstance(verdict, EndpointBroken)
        assert verdict.detail.startswith("无法写入通知文件: ")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("number", "verdict"),
    [
        (errno.ENOSPC, Transient),
        (errno.EDQUOT, Transient),
        (errno.EIO, Transient),
        (errno.EACCES, EndpointBroken),
        (errno.EPERM, EndpointBroken),
        (errno.EROFS, EndpointBroken),
        (errno.ENOTDIR, EndpointBroken),
    ],
)
def test_a_full_disk_passes_and_a_forbidden_one_does_not(number: int, verdict: type[Verdict]) -> None:
    got = _judge_os_error(OSError(number, "x", "/secret/path"))
    assert type(got) is verdict
    assert got.code == errno.errorcode[number]
    assert "/secret" not in got.detail


@given(title=st.text(), text=st.text(st.characters() | st.sampled_from("\ud800\x00\x1b")))
def test_any_words_can_be_shown(title: str, text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert ConsoleNotice(stream).deliver(delivery(title, text)) == Delivered()


@pytest.mark.parametrize(
    ("level", "log_level"),
    [(Level.INFO, logging.INFO), (Level.WARNING, logging.WARNING), (Level.ERROR, logging.ERROR)],
)
def test_the_log_gets_one_line_at_the_level_of_the_message(
    level: Level, log_level: int, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("tests.notices")
    with caplog.at_level(logging.DEBUG, "tests.notices"):
        assert LogNotice(logger).deliver(delivery("T %s", "a\nb", level=level)) == Delivered()
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (log_level, "系统通知: T %s: a b")
    assert record.__dict__["action"] == "system_notice"
    assert (record.__dict__["recipient"], record.__dict__["task_id"]) == ("ops_alert", TASK_ID)


class DawdlingHandler(logging.Handler):
    """Leaves what is logged to somebody else, who writes it when they are asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.left.append(record.getMessage())

    def flush(self) -> None:
        self.written += self.left
        self.left = []


def test_a_notice_in_the_log_is_delivered_once_it_is_written() -> None:
    handler, logger = DawdlingHandler(), logging.getLogger("tests.dawdling.notices")
    above = logging.getLogger("tests.dawdling")
    above.addHandler(handler)
    try:
        assert LogNotice(logger).deliver(delivery("T", "M", level=Level.ERROR)) == Delivered()
    finally:
        above.removeHandler(handler)
    assert handler.written == ["系统通知: T: M"]


class BrokenHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Keeps nothing."""

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_log_that_cannot_be_written_is_no_delivery() -> None:
    handler, logger = BrokenHandler(), logging.getLogger("tests.broken.notices")
    logger.addHandler(handler)
    try:
        verdict = LogNotice(logger).deliver(delivery())
    finally:
        logger.removeHandler(handler)
    assert verdict == Transient(detail="日志无法写入 (BrokenPipeError)")


def test_http_posts_the_notice_as_json() -> None:
    post = ScriptedPost([answer("", 204)])
    assert HttpNotice(post).deliver(delivery("T", "M", style=Style.CARD)) == Delivered(code=204)
    assert post.payloads == [
        {
            "title": "T",
            "message": "M",
            "type": "error",
            "strategy": "failover",
            "style": "card",
            "timestamp": "2024-01-01T12:00:05Z",
            "source": "PushServer-SystemNotification",
            "task_id": TASK_ID,
        }
    ]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Delivered(code=200)),
        (202, Delivered(code=202)),
        (302, Transient(code=302, detail="HTTP 302")),
        (400, MessageRefused(code=400, detail="HTTP 400")),
        (401, EndpointBroken(code=401, detail="HTTP 401")),
        (403, EndpointBroken(code=403, detail="HTTP 403")),
        (404, EndpointBroken(code=404, detail="HTTP 404")),
        (408, Transient(code=408, detail="HTTP 408")),
        (410, EndpointBroken(code=410, detail="HTTP 410")),
        (413, MessageRefused(code=413, detail="HTTP 413")),
        (425, Transient(code=425, detail="HTTP 425")),
        (429, RateLimited(waits=(60.0,), code=429, detail="HTTP 429")),
        (500, Transient(code=500, detail="HTTP 500")),
        (503, Transient(code=503, detail="HTTP 503")),
    ],
)
def test_each_status_has_its_verdict(status: int, verdict: Verdict) -> None:
    assert judge_status(answer("", status)) == verdict


def test_a_retry_after_is_heeded() -> None:
    verdict = judge_status(answer("", 429, {"retry-after": "5"}))
    assert verdict == RateLimited(waits=(5.0,), code=429, detail="HTTP 429")


def test_http_that_fails_on_the_way() -> None:
    notice = HttpNotice(ScriptedPost([NotSent("连接被拒绝"), AnswerLost("等待应答超时")]))
    assert notice.deliver(delivery()) == Transient(detail="连接被拒绝")
    assert notice.deliver(delivery()) == Uncertain(detail="等待应答超时")


def test_closing_gives_the_connection_back(tmp_path: Path) -> None:
    post = ScriptedPost([answer("")])
    HttpNotice(post).close()
    assert post.closed
    stream = io.StringIO()
    for notice in (
        ConsoleNotice(stream),
        FileNotice(tmp_path),
        LogNotice(logging.getLogger("tests.notices")),
    ):
        notice.close()
        assert notice.deliver(delivery()) == Delivered()
