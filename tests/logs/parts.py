"""Records, files and secrets for the tests of the log."""

import gzip
import json
import logging
from pathlib import Path
from typing import Any

FEISHU_TOKEN = "5f2c7f1e-93a1-4c55-8d1b-0a6f1f9d77aa"
DINGTALK_TOKEN = "c0ffee" * 10 + "abcd"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def record(
    text: Any = "消息推送成功", level: int = logging.INFO, *args: Any, **fields: Any
) -> logging.LogRecord:
    made = logging.LogRecord("pushserver.test", level, __file__, 1, text, args, None)
    made.created = 1_704_110_400.25  # 2024-01-01T12:00:00.25Z
    vars(made).update(fields)
    return made


def failing_record(error: BaseException) -> logging.LogRecord:
    made = record("坏了", logging.ERROR)
    made.exc_info = (type(error), error, error.__traceback__)
    return made


def lines_of(path: Path) -> list[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert not data or data.endswith(b"\n")
    return data.decode().splitlines()


def messages_of(path: Path) -> list[str]:
    return [json.loads(line)["msg"] for line in lines_of(path)]
