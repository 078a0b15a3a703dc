"""Compressing a rotated file so that a writer who is late loses nothing."""

import gzip
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from pushserver.logs.files import UNFINISHED, packed

_LEVEL = 6
_CHUNK = 256 * 1024


def pack(path: Path) -> Path:
    """Replace a file by ``<name>.gz`` of the same age; what is appended meanwhile is taken along.

    A crash in between leaves the plain file, perhaps beside a whole ``.gz`` that the next try replaces.

    Raises:
        OSError: it cannot be read, or the compressed one not written; the plain file stays.
    """
    target = packed(path)
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        with unfinished.open("wb") as sink:
            _copy_all(path, sink)
        status = path.stat()
        os.utime(unfinished, ns=(status.st_atime_ns, status.st_mtime_ns))
        shutil.copymode(path, unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    path.unlink()
    return target


def _copy_all(path: Path, sink: BinaryIO) -> None:
    """One gzip member for what is there, another for what has come meanwhile; together they are one file."""
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            with gzip.GzipFile("", "wb", _LEVEL, sink) as member:
                member.write(chunk)
                shutil.copyfileobj(source, member, _CHUNK)
    sink.flush()
    os.fsync(sink.fileno())
