"""The root of a service of several processes: it starts, watches, restarts and stops, and does nothing else.

One thread, one loop: it waits for what happens first, the end of a worker, a word from one, a signal, or a
deadline. Workers come from a fork server with the heavy modules loaded (never a fork once a thread exists),
so that a worker is back in far under a second.
"""

import logging
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

from actors.policy import Escalate, LetGo, Park, RestartAfter, decide
from actors.processes import exit_codes
from actors.processes.child import Child, Phase
from actors.processes.link import Beat, Link, Ready, RestartProcess
from actors.processes.spec import ProcessSpec

_log = logging.getLogger(__name__)


class Root:
    """Runs the workers of ``specs``: started in this order, stopped in reverse.

    At the first start each waits for the one before it to be ready. ``preload`` names modules that workers
    find loaded. ``on_ready`` is called once all workers are.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        *,
        preload: Sequence[str] = (),
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._children = {spec.name: Child(spec) for spec in specs}
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        self._on_ready = on_ready
        self._announced = False
        self._stopping = False
        self._failure = ""
        self._wakeup, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    @property
    def children(self) -> Sequence[Child]:
        """The workers, for whoever looks."""
        return tuple(self._children.values())

    @property
    def failure(self) -> str:
        """Why the service has given up; empty while it has not."""
        return self._failure

    def request_stop(self) -> None:
        """Stop in order; a second time: at once. Safe in signal handlers and from any thread."""
        os.write(self._waker, b"s")

    def take_signals(self) -> None:
        """Let TERM and Ctrl-C stop the service."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.request_stop())

    def run(self) -> int:
        """Work until stopped; returns the exit status."""
        while not self._done():
            self._start_due()
            self._handle(wait(self._sources(), self._patience()))
            self._enforce_deadlines()
        return exit_codes.SOFTWARE if self._failure else exit_codes.OK

    # What is waited for ------------------------------------------------------------------------------

    def _sources(self) -> list[Any]:
        alive = [child for child in self._children.values() if child.process is not None]
        pipes = [child.pipe for child in alive if child.pipe is not None]
        return [self._wakeup, *(child.process.sentinel for child in alive if child.process), *pipes]

    def _patience(self) -> float | None:
        moments = [child.deadline for child in self._children.values() if child.process is not None]
        moments += [child.due for child in self._children.values() if child.due is not None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _done(self) -> bool:
        return self._stopping and all(child.process is None for child in self._children.values())

    def _handle(self, ready: Sequence[Any]) -> None:
        if self._wakeup in ready:
            self._on_wakeup(os.read(self._wakeup, 64))
        for child in self._children.values():
            if child.pipe in ready and child.pipe is not None:
                self._listen(child, child.pipe)
        for child in self._children.values():
            if child.process is not None and child.process.sentinel in ready:
                self._on_end(child)

    # Beginning ---------------------------------------------------------------------------------------

    def _start_due(self) -> None:
        """Start what is due. At the first start the next worker waits for the one before to be ready."""
        if self._stopping:
            return
        now = time.monotonic()
        for child in self._children.values():
            first = child.phase is Phase.DOWN and child.due is None
            if first or (child.due is not None and child.due <= now):
                self._start(child)
            if child.phase is not Phase.RUNNING and not self._announced:
                return
        if not self._announced:
            self._announced = True
            self._on_ready()

    def _start(self, child: Child) -> None:
        ours, theirs = self._context.Pipe()
        spec = child.spec
        child.due = None
        child.process = self._context.Process(
            target=_work, args=(theirs, spec.title or spec.name, spec.main, spec.args), name=spec.name
        )
        with _no_main():
            child.process.start()
        theirs.close()
        child.pipe = ours
        child.phase = Phase.STARTING
        child.deadline = time.monotonic() + spec.patience.ready

    def _listen(self, child: Child, pipe: Connection) -> None:
        """Read what a worker has to say; the end of the line is read from its sentinel."""
        try:
            while pipe.poll():
                self._on_word(child, pipe.recv())
        except (EOFError, OSError):
            pipe.close()
            child.pipe = None

    def _on_word(self, child: Child, word: object) -> None:
        match word:
            case Ready() if child.phase is Phase.STARTING:
                child.phase = Phase.RUNNING
                _log.info(
                    "%s is ready",
                    child.spec.name,
                    extra={"action": "process_ready", "worker": child.spec.name},
                )
                child.deadline = time.monotonic() + child.spec.patience.heartbeat
            case Beat() if child.phase is Phase.RUNNING:
                child.deadline = time.monotonic() + child.spec.patience.heartbeat
            case RestartProcess(name) if name in self._children:
                self._restart(self._children[name])

    def _restart(self, child: Child) -> None:
        """An operator's restart: an orderly stop, then a start at once with a clean record."""
        child.history.forgive()
        if child.process is None:
            child.due = time.monotonic()
        elif child.phase is not Phase.STOPPING:
            self._stop_child(child)

    # Ending ------------------------------------------------------------------------------------------

    def _on_end(self, child: Child) -> None:
        asked = child.phase is Phase.STOPPING
        if child.pipe is not None:
            self._listen(child, child.pipe)
        status = child.close()
        if self._stopping:
            self._stop_next()
            return
        child.restarts += 1
        if asked:
            child.due = time.monotonic()
            return
        child.last_error = child.last_error or f"ended with status {status}"
        _log.error(
            "%s ended: status %s",
            child.spec.name,
            status,
            extra={"action": "process_ended", "worker": child.spec.name, "error": child.last_error},
        )
        self._follow_policy(child)

    def _follow_policy(self, child: Child) -> None:
        now = time.monotonic()
        decision = decide(child.spec.policy, child.history, crashed=True, now=now, random=random.random)
        match decision:
            case RestartAfter(pause) | Park(pause):
                child.due = now + pause
            case Escalate() | LetGo():
                self._failure = f"{child.spec.name} failed too often: {child.last_error}"
                _log.critical(
                    "giving up: %s", self._failure, extra={"action": "service_failed", "error": self._failure}
                )
                self._begin_stop()
        child.last_error = ""

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        why = {
            Phase.STARTING: "not ready in time",
            Phase.RUNNING: "no heartbeat",
            Phase.STOPPING: "still there after the time to stop",
        }
        for child in self._children.values():
            if child.process is not None and child.deadline <= now and child.phase in why:
                child.kill(why[child.phase])
                child.deadline = now + child.spec.patience.ready

    def _on_wakeup(self, requests: bytes) -> None:
        for _ in requests:
            if self._stopping:
                for child in self._children.values():
                    child.kill("stopped at once")
            else:
                self._begin_stop()

    def _begin_stop(self) -> None:
        self._stopping = True
        for child in self._children.values():
            child.due = None
        self._stop_next()

    def _stop_next(self) -> None:
        """Stop the last-started worker that is still there; the one before it follows when it has ended."""
        for child in reversed(self._children.values()):
            if child.process is not None:
                if child.phase is not Phase.STOPPING:
                    self._stop_child(child)
                return

    def _stop_child(self, child: Child) -> None:
        assert child.process is not None  # noqa: S101 - the caller has looked
        child.phase = Phase.STOPPING
        child.deadline = time.monotonic() + child.spec.patience.stop
        child.process.terminate()


@contextmanager
def _no_main() -> Iterator[None]:
    """Keep workers from importing the program that started the service: all they need is in their spec.

    Otherwise every worker carries that program's modules, and a script without an import guard starts a
    service in each of its workers.
    """
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def _work(pipe: Connection, title: str, main: Callable[..., int], args: tuple[Any, ...]) -> None:
    """What a worker process runs first."""
    _set_title(title)
    link = Link(pipe)
    link.open()
    raise SystemExit(main(link, *args))


def _set_title(title: str) -> None:
    try:
        from setproctitle import setproctitle  # noqa: PLC0415 - an optional nicety of this library
    except ImportError:
        return
    setproctitle(title)
