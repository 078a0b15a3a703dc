"""Log lines: one compact JSON object each, or plain text; on stdout, in files, or both.

Records carry stable machine names in ``extra`` (``action``) and the seed's fields (``platform``,
``recipient``, ``error``). What must not be shown never gets this far: adapters scrub their vendors' texts,
settings have no secrets in their ``repr``.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TextIO

from pushserver.config import LogSettings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "error",
}
_OWN_LEVEL_FILES = {"error.log": "error", "info.log": "info", "debug.log": "debug"}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = ("waitress.queue", "urllib3", "alembic")


class JsonLine(logging.Formatter):
    """``{"level":"info","msg":"消息推送成功","platform":"feishu",…,"time":"2024-01-01T12:00:00Z"}``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the text holds."""
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        line = {"level": _NAMES.get(record.levelno, "info"), "msg": record.getMessage(), **fields}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        line["time"] = _time(record)
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)


class TextLine(logging.Formatter):
    """``2024-01-01T12:00:00Z INFO 消息推送成功 platform=feishu …``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback's lines behind it."""
        fields = [f"{key}={value!s}" for key, value in vars(record).items() if key not in _STANDARD]
        words = [_time(record), _NAMES.get(record.levelno, "info").upper(), record.getMessage(), *fields]
        line = " ".join(words).replace("\r", "\\r").replace("\n", "\\n")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _OnlyLevel(logging.Filter):
    def __init__(self, level: str) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        wanted = {"error", "warn"} if self._level == "error" else {self._level}
        return _NAMES.get(record.levelno, "info") in wanted


def set_up(settings: LogSettings, stdout: TextIO = sys.stdout) -> None:
    """Send the log where ``log.*`` says; replaces what was set up before.

    Raises:
        OSError: a log file cannot be opened.
    """
    formatter: logging.Formatter = JsonLine() if settings.format == "json" else TextLine()
    handlers: list[logging.Handler] = []
    if settings.output in {"stdout", "both"}:
        handlers.append(logging.StreamHandler(stdout))
    if settings.output in {"file", "both"}:
        handlers.extend(_files(Path(settings.file_path)))
    for handler in handlers:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(_LEVELS[settings.level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _files(app_log: Path) -> list[logging.Handler]:
    app_log.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        WatchedFileHandler(app_log, encoding="utf-8", errors="backslashreplace")
    ]
    for name, level in _OWN_LEVEL_FILES.items():
        handler = WatchedFileHandler(
            app_log.with_name(name), encoding="utf-8", errors="backslashreplace", delay=True
        )
        handler.addFilter(_OnlyLevel(level))
        handlers.append(handler)
    return handlers


def _file(path: Path) -> logging.Handler:
    return WatchedFileHandler(path, encoding="utf-8", errors="backslashreplace")


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
