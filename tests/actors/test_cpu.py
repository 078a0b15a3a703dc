"""What is pinned: tried in a process of its own, since it is for good."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, threading
from actors.cpu import pin, usable

over = threading.Event()
early = [threading.Thread(target=over.wait, daemon=True) for _ in range(3)]
for thread in early:
    thread.start()
last = usable()[-1]
assert pin(len(usable()) - 1) == last
late = threading.Thread(target=over.wait, daemon=True)
late.start()
for name in os.listdir("/proc/self/task"):
    print(*os.sched_getaffinity(int(name)))
print(last)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins nothing")
def test_every_thread_is_pinned_those_that_run_already_as_well() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    *threads, cpu = said.split("\n")[:-1]
    assert threads == [cpu] * 5
