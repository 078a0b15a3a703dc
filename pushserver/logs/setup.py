"""Sending the log of a process where ``log.*`` says."""

import logging
import sys
from typing import TextIO

from pushserver.config import LogSettings
from pushserver.logs.files import EVERYTHING, files_of
from pushserver.logs.handler import LineHandler, Shelf
from pushserver.logs.levels import apply
from pushserver.logs.line import JsonLine, Line, TextLine
from pushserver.logs.outlet import AppendedFile, Stream
from pushserver.logs.redaction import Redactor
from pushserver.logs.request import RequestIdFilter


def set_up(settings: LogSettings, stdout: TextIO | None = None, *, redactor: Redactor | None = None) -> None:
    """Send the log of this process where ``log.*`` says; replaces what was set up before.

    ``stdout`` stands in for the process's own; ``redactor`` knows what must not be shown.

    Raises:
        OSError: a log file cannot be opened; then everything is as before.
    """
    line: Line = (JsonLine if settings.format == "json" else TextLine)(redactor or Redactor())
    handler = LineHandler(line, [*_stdout(settings, stdout or sys.stdout), *_files(settings)])
    handler.addFilter(RequestIdFilter())
    _replace_handlers(handler)
    _leave_out_what_no_line_shows()
    logging.captureWarnings(True)
    apply(settings.level)


def _stdout(settings: LogSettings, stream: TextIO) -> list[Shelf]:
    return [] if settings.output == "file" else [Shelf(Stream(stream), EVERYTHING)]


def _files(settings: LogSettings) -> list[Shelf]:
    shelves: list[Shelf] = []
    try:
        for path, levels in files_of(settings).items():
            file = AppendedFile(path)
            shelves.append(Shelf(file, levels))
            file.open()
    except OSError:
        for shelf in shelves:
            shelf.outlet.close()
        raise
    return shelves


def _replace_handlers(handler: logging.Handler) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    root.addHandler(handler)
    for old in before:
        root.removeHandler(old)
        old.close()


def _leave_out_what_no_line_shows() -> None:
    """Names of threads and processes, and who called: a third of what a record costs (logging HOWTO)."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - the documented switch
