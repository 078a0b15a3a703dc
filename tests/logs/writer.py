"""A process that writes numbered lines, as a worker of the service does."""

import logging
from dataclasses import replace
from pathlib import Path

from pushserver.logs import Redactor
from pushserver.logs.files import EVERYTHING
from pushserver.logs.handler import LineHandler, Shelf
from pushserver.logs.line import JsonLine
from pushserver.logs.outlet import AppendedFile
from pushserver.logs.pace import Pace

PACE = Pace(look_every=0.8, late_after=0.9, settled_after=1.2)
"""The order of the service's own, faster. One who looks this seldom writes to files renamed long ago."""
QUICK = replace(PACE, look_every=0.05)


def write_lines(path: Path, name: str, count: int, pace: Pace) -> None:
    logger = logging.getLogger("writer")
    logger.setLevel(logging.INFO)
    file = AppendedFile(path, pace=pace)
    logger.addHandler(LineHandler(JsonLine(Redactor()), [Shelf(file, EVERYTHING)]))
    for number in range(count):
        logger.info("消息推送成功", extra={"writer": name, "number": number})
