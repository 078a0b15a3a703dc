"""Helper processes of the bench."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from actors.cpu import pin

_spawn = multiprocessing.get_context("spawn")


@contextmanager
def on_every_cpu() -> Iterator[None]:
    """What is started inside may run anywhere, also where the bench itself is pinned."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def _free(target: Callable[..., None], *args: Any) -> None:
    """Forget the CPU that the bench itself is pinned to: the target pins itself."""
    with on_every_cpu():
        target(*args)


def on_another_machine(cpu: int) -> None:
    """Play somebody who would be elsewhere: on the ``cpu`` that has time, with what others leave of it."""
    pin(cpu)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@contextmanager
def before_all_others() -> Iterator[None]:
    """Play somebody who has a CPU of their own, on one that is shared: whoever waits for it measures that.

    Where that is not allowed, only the figures suffer.
    """
    if not hasattr(os, "SCHED_RR"):
        yield
        return
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextmanager
def process(target: Callable[..., None], *args: Any) -> Iterator[Connection]:
    """A helper process of its own, ended at the end."""
    ours, theirs = _spawn.Pipe()
    child = _spawn.Process(target=_free, args=(target, theirs, *args))
    child.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.send("stop")
        child.join(20)
        if child.is_alive():
            child.kill()
