"""The spool: messages too large for a row, a file each, on the disk before anybody is told of them.

A file is written under a temporary name, synced, renamed, and its directory synced: after a crash it is there
whole, or it is an orphan. See https://man7.org/linux/man-pages/man2/fsync.2.html on why the directory, too.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from actors.cpu import breathe
from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import MailContent, SpooledContent

SPOOL_ABOVE = 256 * 1024
"""Bytes; a message larger than this belongs into the spool, so that no commit has to write it."""

_PIECE = 128 * 1024
"""Bytes that are read at once."""
SYNC_EVERY = 2 * 1024 * 1024
"""Bytes that are written before they are synced. A commit that has to sync meanwhile waits for them, too."""
_LET_GO = 1024 * 1024
"""Bytes of a file that goes whose memory is given back at once."""
_ID = re.compile(r"\w[\w.-]*", re.ASCII)
_FINISHED = ".eml"
_UNFINISHED = ".part"


class Spool:
    """A directory of messages, of one process; used by any of its threads.

    The directory is made, for the service's user alone. Raises ``StoreUnavailable`` where that fails.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        with _outages():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(self._directory.parent)

    def create(self, mail_id: str) -> "SpoolFile":
        """A new file for this mail's message; to be committed, or it leaves nothing."""
        if not _ID.fullmatch(mail_id):
            raise ValueError(
                f"{mail_id!r} cannot name a file; expected ASCII letters, digits, '_', '.' and '-'"
            )
        return SpoolFile(self._directory / mail_id)

    def locate(self, name: str) -> SpooledContent:
        """The content of the file of this name."""
        return SpooledContent(str(self._directory / name))

    def name_of(self, content: SpooledContent) -> str:
        """The name of a file that is here, for :meth:`locate`. Raises ``ValueError`` when it is not."""
        path = Path(content.path)
        if path.parent != self._directory or path.suffix != _FINISHED or not path.is_file():
            raise ValueError("the content of a mail is not in the spool; expected a file committed there")
        return path.name

    def remove(self, names: Iterable[str]) -> None:
        """Remove these files, as far as that is possible: what stays is an orphan."""
        for name in names:
            _let_go_of(self._directory / name)
            _unlink(self._directory / name)

    def remove_orphans(self, owned: Collection[str]) -> int:
        """Remove all files but these; how many went. Only before anybody writes here."""
        with _outages():
            orphans = [
                path
                for path in self._directory.iterdir()
                if path.suffix in {_FINISHED, _UNFINISHED} and path.name not in owned
            ]
        return sum(map(_unlink, orphans))

    def free_bytes(self) -> int:
        """What the disk has room for. Raises ``StoreUnavailable``."""
        with _outages():
            return shutil.disk_usage(self._directory).free


class SpoolFile:
    """A message on its way into the spool; a context that discards what was not committed.

    All methods block for the disk and raise ``StoreUnavailable`` when it is full or broken. Used by one
    thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + _FINISHED)
        self._unfinished = path.with_name(path.name + _UNFINISHED)
        with _outages():
            self._file = open(self._unfinished, "xb", opener=_open_private)  # noqa: SIM115 - closed by my end
        self._unsynced = 0
        self._is_ascii = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()

    def write(self, data: bytes | bytearray) -> None:
        """Append to the message."""
        with _outages():
            self._file.write(data)
            self._is_ascii = self._is_ascii and data.isascii()
            self._unsynced += len(data)
            if self._unsynced >= SYNC_EVERY:
                self._file.flush()
                sync_data(self._file.fileno())
                self._unsynced = 0

    def commit(self) -> SpooledContent:
        """See that the message survives a loss of power, and give it its name. To be called once."""
        with _outages():
            with self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._unfinished.rename(self._path)
            sync_directory(self._path.parent)
        return SpooledContent(str(self._path), self._is_ascii)

    def discard(self) -> None:
        """Leave nothing behind; nothing happens once it was committed."""
        with suppress(OSError):  # a full disk refuses what is still buffered
            self._file.close()
        _unlink(self._unfinished)


class SpooledMessage:
    """A message in the spool, read from the disk piece by piece whenever it is gone through.

    Raises ``StoreUnavailable`` when its file cannot be read.
    """

    def __init__(self, content: SpooledContent) -> None:
        self._path = Path(content.path)
        self._is_ascii = content.is_ascii

    def __len__(self) -> int:
        """Bytes."""
        with _outages("read"):
            return self._path.stat().st_size

    def isascii(self) -> bool | None:
        """Whether it is, if that is known."""
        return self._is_ascii

    def __iter__(self) -> Iterator[bytes]:
        """From the beginning, each time."""
        with _outages("read"), self._path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                yield piece


def read_content(content: MailContent) -> bytes:
    """The message itself. Raises ``StoreUnavailable`` when its file cannot be read."""
    if isinstance(content, bytes):
        return content
    with _outages("read"):
        return Path(content.path).read_bytes()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def sync_data(descriptor: int) -> None:
    """See that a file's data is on the disk, and of the rest what is needed to find it there."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def sync_directory(directory: Path) -> None:
    """The names of new files are on the disk when their directory is; on Windows they need nothing."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _let_go_of(path: Path) -> None:
    """Give the memory that holds a file back in pieces: removing it does that in one go, for milliseconds.

    Whoever still reads the file reads it from the disk.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    with suppress(OSError), path.open("rb", buffering=0) as file:
        descriptor = file.fileno()
        for start in range(0, os.fstat(descriptor).st_size, _LET_GO):
            os.posix_fadvise(descriptor, start, _LET_GO, os.POSIX_FADV_DONTNEED)
            breathe()


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


@contextmanager
def _outages(doing: str = "written") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"the spool cannot be {doing} now: {error.strerror or type(error).__name__}"
        ) from error
