import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushserver.config import LogSettings
from pushserver.logs import levels


@pytest.fixture
def untouched() -> Iterator[None]:
    """What setting up a log changes in this process is as before afterwards."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    names = ("", *levels.OURS, *levels.QUIET)
    before = {name: logging.getLogger(name).level for name in names}
    switches = logging.logThreads, logging.logProcesses, logging.logMultiprocessing, logging._srcfile
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
        if handler not in handlers:
            handler.close()
    for handler in handlers:
        root.addHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing, logging._srcfile = switches
    logging.captureWarnings(False)


@pytest.fixture
def settings(tmp_path: Path) -> LogSettings:
    """Four files in a folder of the test's own."""
    return LogSettings(file_path=str(tmp_path / "log" / "app.log"))
