"""One interpreter lock, one core: threads that share it across cores spend their time waking each other."""

import os


def usable() -> tuple[int, ...]:
    """The CPUs that this process may run on, where the system can tell; otherwise as many as it has."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def pin(index: int) -> int | None:
    """Bind this process, with all threads it starts from now on, to one CPU: the ``index``-th, round-robin.

    Returns the CPU, or ``None`` where the system has no such thing.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    cpus = usable()
    cpu = cpus[index % len(cpus)]
    os.sched_setaffinity(0, {cpu})
    return cpu
