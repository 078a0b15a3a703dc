"""A relay's door and store in a process of their own, so that its memory can be looked at.

``python -m tests.relay.relay_process DIRECTORY``: says its port in a line and ends with its standard input.
"""

import gc
import sys
from pathlib import Path

from tests.relay.gatehouse import gatehouse

IDLE = 2.0
"""Seconds that a client may be silent."""


def main(directory: str) -> None:
    with gatehouse(Path(directory), idle=IDLE) as house:
        gc.collect()
        sys.stdout.write(f"{house.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
