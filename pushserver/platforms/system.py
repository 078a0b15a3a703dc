"""System notices: the channel that needs nobody else, and the last line of defence.

Four :class:`~pushserver.platforms.platform.Platform` classes, one for each ``type`` of a notification.
"""

import errno
import logging
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from pushserver.domain import (
    Delivered,
    Delivery,
    EndpointBroken,
    Level,
    MessageRefused,
    RateLimited,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.platforms.errors import AnswerLost, NotSent
from pushserver.platforms.http import Answer, Post
from pushserver.platforms.notice import banner, body, fields
from pushserver.platforms.ruling import reset_after
from pushserver.platforms.text import clean_line, json_bytes

_LOG_LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}
_SETTINGS_FAULTS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.EOPNOTSUPP,
    }
)
_ENDPOINT_STATUSES = frozenset({401, 403, 404, 405, 407, 410})
_PASSING_STATUSES = frozenset({408, 425})
_TOO_MANY_REQUESTS = 429
_RETRY_WAITS = (60.0,)


class ConsoleNotice:
    """A banner on a text stream, in one write, so that notices of several processes do not mix."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def deliver(self, delivery: Delivery) -> Verdict:
        """See :meth:`~pushserver.platforms.platform.Platform.deliver`."""
        try:
            self._write(banner(delivery))
        except OSError as error:
            return Transient(detail=f"控制台不可写: {os.strerror(error.errno or 0)}")
        except ValueError:  # what a closed stream raises
            return EndpointBroken(detail="控制台已关闭")
        return Delivered()

    def close(self) -> None:
        """Nothing to give back: the stream is the process's own."""

    def _write(self, text: str) -> None:
        # A console that cannot show Chinese gets escapes, not an exception.
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()


class FileNotice:
    """``system_notify_YYYYMMDD_HHMMSS.txt`` in a directory, ``…_2.txt`` for the second of a moment.

    A reader of the directory sees a notice whole or not at all, and none is ever overwritten, not by
    another process either: the file is written under a hidden name, synced and then linked.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def deliver(self, delivery: Delivery) -> Verdict:
        """See :meth:`~pushserver.platforms.platform.Platform.deliver`."""
        try:
            self._write(f"system_notify_{delivery.at:%Y%m%d_%H%M%S}", body(delivery))
        except OSError as error:
            return _judge_os_error(error)
        return Delivered()

    def close(self) -> None:
        """Nothing stays open."""

    def _write(self, stem: str, text: str) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        hidden = self._directory / f".{stem}.{uuid.uuid4().hex}"
        try:
            _write_synced(hidden, text)
            self._link(hidden, stem)
        finally:
            with suppress(OSError):
                hidden.unlink()

    def _link(self, hidden: Path, stem: str) -> None:
        number = 1
        while True:
            name = f"{stem}.txt" if number == 1 else f"{stem}_{number}.txt"
            try:
                os.link(hidden, self._directory / name)
            except FileExistsError:
                number += 1
            else:
                return


class LogNotice:
    """A line in the application's log, at the message's level (``type: syslog``).

    Delivered means written, or counted by the log as lost where the disk took nothing: a log may leave its
    lines to a thread that is writing already, and what a store knows as said must not go with the process.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def deliver(self, delivery: Delivery) -> Verdict:
        """See :meth:`~pushserver.platforms.platform.Platform.deliver`."""
        push = delivery.push
        self._logger.log(
            _LOG_LEVELS[push.level],
            "系统通知: %s: %s",
            clean_line(push.title),
            clean_line(push.text),
            extra={
                "action": "system_notice",
                "recipient": delivery.recipient,
                "task_id": delivery.task_id,
            },
        )
        try:
            _flush(self._logger)
        except (OSError, ValueError) as error:  # ValueError: a closed stream
            return Transient(detail=f"日志无法写入 ({type(error).__name__})")
        return Delivered()

    def close(self) -> None:
        """The logger is the application's own."""


class HttpNotice:
    """A JSON object posted to a URL; any 2xx is success."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def deliver(self, delivery: Delivery) -> Verdict:
        """See :meth:`~pushserver.platforms.platform.Platform.deliver`."""
        try:
            answer = self._post.send(json_bytes(fields(delivery)))
        except NotSent as error:
            return Transient(detail=error.reason)
        except AnswerLost as error:
            return Uncertain(detail=error.reason)
        return judge_status(answer)

    def close(self) -> None:
        """See :meth:`~pushserver.platforms.platform.Platform.close`."""
        self._post.close()


def judge_status(answer: Answer) -> Verdict:
    """By the status alone: RFC 9110 section 15, RFC 6585 section 4. The body is nobody's contract."""
    status = answer.status
    detail = f"HTTP {status}"
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 section 15.3
        return Delivered(code=status)
    if status == _TOO_MANY_REQUESTS:
        wait = reset_after(answer, "retry-after")
        return RateLimited(waits=(wait,) if wait else _RETRY_WAITS, code=status, detail=detail)
    if status in _ENDPOINT_STATUSES:
        return EndpointBroken(code=status, detail=detail)
    if 400 <= status < 500 and status not in _PASSING_STATUSES:  # noqa: PLR2004 - RFC 9110 section 15.5
        return MessageRefused(code=status, detail=detail)
    return Transient(code=status, detail=detail)


def _flush(logger: logging.Logger) -> None:
    """Return when all handlers that its records reach have written them."""
    above: logging.Logger | None = logger
    while above:
        for handler in above.handlers:
            handler.flush()
        above = above.parent if above.propagate else None


def _write_synced(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _judge_os_error(error: OSError) -> Verdict:
    """A full disk passes; permissions and wrong paths wait for somebody to mend them."""
    number = error.errno or 0
    detail = f"无法写入通知文件: {os.strerror(number)}"
    if number in _SETTINGS_FAULTS:
        return EndpointBroken(code=errno.errorcode.get(number), detail=detail)
    return Transient(code=errno.errorcode.get(number), detail=detail)
