"""Reading a configuration in a process of its own, which nobody has to wait for.

A large file takes seconds and a lot of memory, and whoever shares an interpreter lock with that stands still
meanwhile. So a service that works reads nothing itself: the reader gives way to it, and is gone afterwards.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pushserver.config.errors import ConfigError, NotRead
from pushserver.config.loader import Loaded, load, load_text

PATIENCE: Final = 60.0
"""Seconds; 10,000 recipients take three on an idle machine."""
_GIVES_WAY: Final = 19
_PROGRAM: Final = "from pushserver.config.apart import main; main()"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a configuration comes from: a file, and the environment that it is read under."""

    path: Path
    environ: Mapping[str, str] = field(repr=False)


def read_apart(source: Source, text: str | None = None) -> Loaded:
    """What :func:`~pushserver.config.load` says of the file; of ``text`` in its place, if there is any.

    Raises:
        ConfigError: with every fault.
        NotRead: there is no answer.
    """
    asked = pickle.dumps((source.path, dict(source.environ), text))
    # Nothing that the service itself writes is a danger to unpickle.
    answer: object = pickle.loads(_answer(asked))  # noqa: S301
    if isinstance(answer, ConfigError):
        raise answer
    if not isinstance(answer, Loaded):
        raise NotRead("the reader of the configuration has answered nonsense")
    return answer


def _answer(asked: bytes) -> bytes:
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-P", "-c", _PROGRAM]
    try:
        ran = subprocess.run(  # noqa: S603 - this very interpreter and a constant
            command, input=asked, stdout=subprocess.PIPE, env=environ, timeout=PATIENCE, check=True
        )
    except subprocess.TimeoutExpired:
        raise NotRead(f"the configuration was not read within {PATIENCE:g} s") from None
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotRead(f"the configuration could not be read: {type(error).__name__}") from None
    return ran.stdout


def main() -> None:
    """The reader: from stdin to stdout."""
    with suppress(AttributeError):  # Windows
        os.nice(_GIVES_WAY)
    path, environ, text = pickle.load(sys.stdin.buffer)  # noqa: S301 - from read_apart
    answer: Loaded | ConfigError
    try:
        answer = load(path, environ) if text is None else load_text(text, str(path), environ)
    except ConfigError as error:
        answer = error
    pickle.dump(answer, sys.stdout.buffer)
