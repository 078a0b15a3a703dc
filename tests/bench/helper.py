"""Helper processes of the bench."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

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
