"""What is done to all threads of a process: tried in one of its own, since it is for good."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, threading
from actors.cpu import give_way, pin, usable

over = threading.Event()
early = [threading.Thread(target=over.wait, daemon=True) for _ in range(3)]
for thread in early:
    thread.start()
{change}
late = threading.Thread(target=over.wait, daemon=True)
late.start()
for name in os.listdir("/proc/self/task"):
    print({show})
print(expected)
"""


def said_by(change: str, show: str) -> tuple[list[str], str]:
    """What is shown of each thread, some of which ran before the change, and what was expected of it."""
    program = PROGRAM.format(change=change, show=show)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *threads, expected = done.stdout.split("\n")[:-1]
    return threads, expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins nothing")
def test_every_thread_is_pinned_those_that_run_already_as_well() -> None:
    threads, cpu = said_by(
        "expected = usable()[-1]; assert pin(len(usable()) - 1) == expected",
        "*os.sched_getaffinity(int(name))",
    )
    assert threads == [cpu] * 5


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system does not list threads")
def test_every_thread_gives_way_those_that_run_already_as_well() -> None:
    nice = "os.getpriority(os.PRIO_PROCESS, {})"
    threads, modest = said_by(
        f"before = {nice.format(0)}; give_way(); expected = {nice.format(0)}; assert expected > before",
        nice.format("int(name)"),
    )
    assert threads == [modest] * 5
