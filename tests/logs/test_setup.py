import io
import json
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushserver.config import LogSettings
from pushserver.logs import Redactor, current_request, set_up
from pushserver.logs.files import EVERYTHING
from pushserver.logs.handler import LineHandler, Shelf
from pushserver.logs.line import JsonLine
from tests.logs.parts import FEISHU_TOKEN, lines_of, messages_of, record

pytestmark = pytest.mark.usefixtures("untouched")
log = logging.getLogger("pushserver.test")


def say_everything() -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log.log(level, logging.getLevelName(level))


def test_each_file_holds_its_own_level_and_the_main_one_all(settings: LogSettings) -> None:
    set_up(settings.model_copy(update={"level": "debug"}))
    say_everything()
    app = Path(settings.file_path)
    assert messages_of(app) == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    assert messages_of(app.with_name("error.log")) == ["WARNING", "ERROR", "CRITICAL"]
    assert messages_of(app.with_name("info.log")) == ["INFO"]
    assert messages_of(app.with_name("debug.log")) == ["DEBUG"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
        ("info", ["INFO", "WARNING", "ERROR", "CRITICAL"]),
        ("warn", ["WARNING", "ERROR", "CRITICAL"]),
        ("error", ["ERROR", "CRITICAL"]),
    ],
)
def test_what_is_below_the_level_is_nowhere(settings: LogSettings, level: str, expected: list[str]) -> None:
    set_up(settings.model_copy(update={"level": level}))
    say_everything()
    assert messages_of(Path(settings.file_path)) == expected


def test_all_four_files_are_there_from_the_start_for_those_who_follow_them(settings: LogSettings) -> None:
    set_up(settings)
    names = {path.name for path in Path(settings.file_path).parent.iterdir()}
    assert names == {"app.log", "error.log", "info.log", "debug.log"}


def test_a_main_file_of_the_name_of_another_holds_each_line_once(tmp_path: Path) -> None:
    set_up(LogSettings(file_path=str(tmp_path / "info.log")))
    log.info("x")
    assert messages_of(tmp_path / "info.log") == ["x"]


@pytest.mark.parametrize("output", ["stdout", "file", "both"])
def test_lines_go_where_the_setting_says(settings: LogSettings, output: str) -> None:
    stdout = io.StringIO()
    set_up(settings.model_copy(update={"output": output}), stdout)
    log.info("x")
    app = Path(settings.file_path)
    assert (len(stdout.getvalue().splitlines()), len(lines_of(app)) if app.exists() else None) == {
        "stdout": (1, None),
        "file": (0, 1),
        "both": (1, 1),
    }[output]


def test_the_text_format_is_chosen_by_the_setting(settings: LogSettings) -> None:
    set_up(settings.model_copy(update={"format": "text"}))
    log.info("x", extra={"platform": "feishu"})
    (line,) = lines_of(Path(settings.file_path))
    assert line.endswith(" INFO x platform=feishu")


def test_setting_up_again_replaces_what_was_there(tmp_path: Path) -> None:
    set_up(LogSettings(file_path=str(tmp_path / "a" / "app.log")))
    set_up(LogSettings(file_path=str(tmp_path / "b" / "app.log")))
    log.info("x")
    assert lines_of(tmp_path / "a" / "app.log") == []
    assert messages_of(tmp_path / "b" / "app.log") == ["x"]


def test_a_log_that_cannot_be_opened_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    set_up(LogSettings(file_path=str(tmp_path / "app.log")))
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        set_up(LogSettings(file_path=str(tmp_path / "file" / "app.log")))
    log.info("x")
    assert messages_of(tmp_path / "app.log") == ["x"]


def test_warnings_of_python_are_logged(settings: LogSettings) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        set_up(settings)
        warnings.warn("old news", stacklevel=1)
        logging.captureWarnings(False)
    (line,) = lines_of(Path(settings.file_path))
    assert json.loads(line)["level"] == "warn"
    assert "UserWarning: old news" in json.loads(line)["msg"]


def test_a_planted_secret_reaches_no_file_and_no_stream(settings: LogSettings) -> None:
    stdout = io.StringIO()
    set_up(settings.model_copy(update={"output": "both"}), stdout, redactor=Redactor([FEISHU_TOKEN]))
    log.info("to %s", FEISHU_TOKEN, extra={"error": f"hook/{FEISHU_TOKEN}"})
    log.error(FEISHU_TOKEN, exc_info=ValueError(FEISHU_TOKEN))
    written = "".join(path.read_text() for path in Path(settings.file_path).parent.iterdir())
    assert FEISHU_TOKEN not in written + stdout.getvalue()
    assert written.count('"msg":"to ***"') == 2


def test_a_lone_surrogate_becomes_an_escape_of_json(settings: LogSettings) -> None:
    set_up(settings)
    log.info("file \udc80")
    (line,) = lines_of(Path(settings.file_path))
    assert json.loads(line)["msg"] == "file \udc80"


def test_threads_lines_do_not_mix(settings: LogSettings) -> None:
    set_up(settings)
    threads = [threading.Thread(target=_count, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    messages = messages_of(Path(settings.file_path))
    assert sorted(messages) == sorted(f"{name} {n}" for name in "abcd" for n in range(500))


def _count(name: str) -> None:
    for number in range(500):
        log.info("%s %d", name, number)


# What goes wrong -------------------------------------------------------------------------------------


class Flaky:
    """An outlet that refuses while it is told to."""

    name = "log/app.log"

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.refusing = False

    def write(self, line: bytes) -> None:
        if self.refusing:
            raise OSError(28, "No space left on device")
        self.lines.append(json.loads(line))

    def close(self) -> None:
        pass


@pytest.fixture
def flaky() -> Flaky:
    return Flaky()


@pytest.fixture
def handle(flaky: Flaky) -> Callable[[logging.LogRecord], bool]:
    return LineHandler(JsonLine(Redactor()), [Shelf(flaky, EVERYTHING)]).handle


def test_a_full_disk_is_complained_of_once_and_what_is_missing_is_said_afterwards(
    flaky: Flaky, handle: Callable[[logging.LogRecord], bool], capsys: pytest.CaptureFixture[str]
) -> None:
    handle(record("before"))
    flaky.refusing = True
    for _ in range(3):
        handle(record("lost"))
    flaky.refusing = False
    handle(record("after"))
    handle(record("later"))
    complaint = "日志无法写入 log/app.log: No space left on device，请检查磁盘空间和权限\n"
    assert capsys.readouterr().err == complaint
    assert [line["msg"] for line in flaky.lines] == ["before", "after", "日志曾无法写入，丢失 3 行", "later"]
    assert (flaky.lines[2]["action"], flaky.lines[2]["lost"]) == ("log_lines_lost", 3)


def test_a_record_of_which_no_line_can_be_made_harms_nobody_and_shows_nothing(
    flaky: Flaky, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: logging.LogRecord) -> str:
        raise RuntimeError(FEISHU_TOKEN)

    LineHandler(fail, [Shelf(flaky, EVERYTHING)]).handle(record(FEISHU_TOKEN))
    assert capsys.readouterr().err == "日志行无法生成 (RuntimeError)，来自 pushserver.test\n"


def test_a_closed_stdout_ends_nothing(settings: LogSettings, capsys: pytest.CaptureFixture[str]) -> None:
    stdout = io.StringIO()
    set_up(settings.model_copy(update={"output": "both"}), stdout)
    stdout.close()
    log.info("x")
    assert messages_of(Path(settings.file_path)) == ["x"]
    assert "日志无法写入" in capsys.readouterr().err


def test_a_reader_of_stdout_who_has_gone_ends_nothing(settings: LogSettings) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stdout:
        set_up(settings.model_copy(update={"output": "both"}), stdout)
        os.close(reading)
        log.info("x")
        assert messages_of(Path(settings.file_path)) == ["x"]


# What it costs ---------------------------------------------------------------------------------------


def test_a_line_in_two_files_costs_little_more_than_the_simplest_that_does_it(settings: LogSettings) -> None:
    """A wide margin: it is to notice a line formatted twice by json.dumps, not a busy machine."""
    set_up(settings, redactor=Redactor([FEISHU_TOKEN, "relay_pass"], ["open.feishu.cn"]))
    descriptor = os.open(
        Path(settings.file_path).with_name("yardstick"), os.O_WRONLY | os.O_CREAT | os.O_APPEND
    )
    try:
        ratio = min(_cpu(_log_one) / _cpu(lambda number: _write_one(number, descriptor)) for _ in range(5))
    finally:
        os.close(descriptor)
    assert ratio < 2.3


def _fields(number: int) -> dict[str, str]:
    fields = {"action": "delivered", "platform": "feishu", "recipient": "ops", "target": "主告警机器人"}
    return {**fields, "task_id": f"task_{number}", "verdict": "delivered"}


def _log_one(number: int) -> None:
    log.info("消息推送成功", extra=_fields(number))


def _write_one(number: int, descriptor: int) -> None:
    """A record and its line, twice, with neither time nor secrets looked at."""
    record = logging.LogRecord(log.name, logging.INFO, __file__, 1, "消息推送成功", (), None)
    line = {"msg": record.getMessage(), "level": "info", "logger": record.name, **_fields(number)}
    data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
    os.write(descriptor, data)
    os.write(descriptor, data)


def _cpu(work: Callable[[int], object]) -> float:
    begun = time.process_time()
    for number in range(1000):
        work(number)
    return time.process_time() - begun


class SlowOutlet:
    """Holds up the first write until it is let go on; keeps what it is given."""

    name = "slow"

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def write(self, line: bytes) -> None:
        self.pieces.append(line)
        self.begun.set()
        assert self.go_on.wait(20.0)

    def close(self) -> None:
        pass


def test_nobody_waits_for_another_threads_write_and_its_lines_follow_in_one_piece() -> None:
    outlet = SlowOutlet()
    handler = LineHandler(JsonLine(Redactor()), [Shelf(outlet, EVERYTHING)])
    writer = threading.Thread(target=handler.handle, args=(record("0"),))
    writer.start()
    assert outlet.begun.wait(20.0)
    for number in range(1, 4):
        handler.handle(record(str(number)))
    assert len(outlet.pieces) == 1, "the others have logged, and gone on"
    outlet.go_on.set()
    writer.join(20.0)
    first, rest = outlet.pieces
    assert json.loads(first)["msg"] == "0"
    assert [json.loads(line)["msg"] for line in rest.splitlines()] == ["1", "2", "3"]
    handler.close()


def test_a_line_that_comes_during_a_flush_is_written_too() -> None:
    """Whoever logs it finds somebody writing, and leaves it."""
    outlet = SlowOutlet()
    handler = LineHandler(JsonLine(Redactor()), [Shelf(outlet, EVERYTHING)])
    handler._waiting.append((logging.INFO, b"left\n"))  # as by a writer that was overtaken on its way out
    flusher = threading.Thread(target=handler.flush)
    flusher.start()
    assert outlet.begun.wait(20.0)
    handler.handle(record("1"))
    outlet.go_on.set()
    flusher.join(20.0)
    left, during = outlet.pieces
    assert (left, json.loads(during)["msg"]) == (b"left\n", "1")
    handler.close()


def test_lines_about_a_request_name_it_and_others_do_not(settings: LogSettings) -> None:
    set_up(settings)
    token = current_request.set("3f2a")
    log.info("during")
    current_request.reset(token)
    log.info("behind")
    during, behind = map(json.loads, lines_of(Path(settings.file_path)))
    assert (during["request_id"], "request_id" in behind) == ("3f2a", False)
