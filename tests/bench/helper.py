"""Helper processes of the bench."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

_spawn = multiprocessing.get_context("spawn")


def _free(target: Callable[..., None], *args: Any) -> None:
    """Forget the CPU that the bench itself is pinned to: the target pins itself."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
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
