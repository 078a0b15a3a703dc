"""One interpreter lock, one core: threads that share it across cores spend their time waking each other."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_MODEST: Final = 10
"""Of 19 steps of niceness: a tenth of the time where somebody else wants all of it, never nothing."""
_BREATH: Final = 50e-6
"""Seconds."""


def usable() -> tuple[int, ...]:
    """The CPUs that this process may run on, where the system can tell; otherwise as many as it has."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def available() -> int:
    """How many CPUs' worth of time this process may use: its affinity, and its control group's quota."""
    return max(1, min(len(usable()), int(_quota())))


def _quota() -> float:
    """The CPUs that the control group (version 2) grants; more than there are where it grants all."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return float("1e9")
    return float("1e9") if quota == "max" else max(1.0, int(quota) / int(period))


def pin(index: int) -> int | None:
    """Bind this process, with all its threads, to one CPU: the ``index``-th that it may use, round-robin.

    Returns the CPU, or ``None`` where the system has no such thing.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    cpus = usable()
    cpu = cpus[index % len(cpus)]
    _for_each_thread(lambda thread: os.sched_setaffinity(thread, {cpu}))
    return cpu


def _for_each_thread(change: Callable[[int], None]) -> None:
    """Change the calling thread first, whose settings new threads inherit, then those that run already.

    The system's calls change a single thread, and some have been started before anybody knows the CPU: those
    that hear of signals and of other processes. Left out, each of their turns would take the interpreter lock
    to the other CPU.
    """
    change(0)
    changed = {threading.get_native_id()}
    while others := _threads() - changed:  # one that is not changed yet may start another meanwhile
        for thread in others:
            with suppress(ProcessLookupError):  # it has ended
                change(thread)
        changed |= others


def _threads() -> set[int]:
    """The threads of this process, where the system lists them."""
    try:
        return {int(thread.name) for thread in Path("/proc/self/task").iterdir()}
    except OSError:
        return set()


def give_way() -> None:
    """Let other processes on this CPU go first from now on: what they leave, this one gets."""
    if hasattr(os, "setpriority"):
        modest = os.getpriority(os.PRIO_PROCESS, 0) + _MODEST
        _for_each_thread(lambda thread: os.setpriority(os.PRIO_PROCESS, thread, modest))


def breathe() -> None:
    """Between two pieces of a long computation: let those go on now for whom I :func:`give_way`.

    A kernel that has let a process run may let it go on for milliseconds, whatever its priority is: unless it
    pauses.
    """
    time.sleep(_BREATH)
