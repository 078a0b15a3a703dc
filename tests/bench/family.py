"""What processes use, from /proc: memory and threads."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def memory(pids: Iterable[int]) -> dict[str, float]:
    """Proportional memory (PSS) in MB of each process, by its title."""
    return {f"{_title(pid)} ({pid})": _pss(pid) / 1024 for pid in sorted(pids)}


def threads(pids: Iterable[int]) -> int:
    """Of the process that has the most."""
    return max(map(_threads, pids), default=0)


def _title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()[:48]


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _threads(pid: int) -> int:
    with suppress(OSError):  # it has ended meanwhile
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    return 0
