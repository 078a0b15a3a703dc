"""The root of a service of several processes: it starts, watches, restarts and stops, and does nothing else.

One thread, one loop: it waits for what happens first, the end of a worker, a word from one, a signal, or a
deadline. Workers come from a fork server with the heavy modules loaded (never a fork once a thread exists),
so that a worker is back in far under a second.
"""

import logging
import multiprocessing
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from actors.policy import Escalate, LetGo, Park, RestartAfter, decide
from actors.processes import exit_codes
from actors.processes.child import Child, Phase
from actors.processes.link import HELD_BACK, Link
from actors.processes.spec import ProcessSpec
from actors.processes.words import Beat, Ready, RestartProcess, Word

_log = logging.getLogger(__name__)

OVERSLEPT: Final = 1.0
"""Seconds by which the root wakes too late only if it was itself stopped, or starved."""


class Root:
    """Runs the workers of ``specs``: started in this order, stopped in reverse.

    At the first start each waits for the one before it to be ready. ``preload`` names modules that workers
    find loaded: those that they use, and those that the program's own script imports, because Python runs
    that script again in every worker (measured: 0.3 s and 23 MB each). ``on_ready`` is called once all
    workers are. One root runs once.
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
        self._stops_requested = 0
        self._failure = ""
        self._wakeup, self._waker = socket.socketpair()
        self._waker.setblocking(False)

    @property
    def children(self) -> Sequence[Child]:
        """The workers, for whoever looks."""
        return tuple(self._children.values())

    @property
    def failure(self) -> str:
        """Why the service has given up; empty while it has not."""
        return self._failure

    @property
    def on_time(self) -> bool:
        """Whether the loop turns: then no deadline stays unheeded for longer than a moment.

        For whoever watches the watcher; from any thread.
        """
        over = time.monotonic() - OVERSLEPT
        return all(child.process is None or child.deadline > over for child in self.children)

    def request_stop(self) -> None:
        """Stop in order; a second time: at once. Safe in signal handlers and from any thread."""
        with suppress(OSError):  # it is over, or so many requests wait that one more says nothing
            self._waker.send(b"s")

    def take_signals(self) -> None:
        """Let TERM and Ctrl-C stop the service. To be called on the main thread, as Python has it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.request_stop())

    def run(self) -> int:
        """Work until stopped; returns the exit status. Whatever happens, no worker outlives this call."""
        try:
            while not self._done():
                self._start_due()
                self._handle(self._wait())
                self._enforce_deadlines()
        finally:
            self._leave_nobody()
        return exit_codes.SOFTWARE if self._failure else exit_codes.OK

    # What is waited for ------------------------------------------------------------------------------

    def _wait(self) -> Sequence[Any]:
        patience = self._patience()
        begun = time.monotonic()
        ready = wait(
            [self._wakeup, *(source for child in self.children for source in child.sources())], patience
        )
        now = time.monotonic()
        if patience is not None and now - begun > patience + OVERSLEPT:
            self._renew_patience(now)
        return ready

    def _patience(self) -> float | None:
        """Seconds until the first deadline or start; ``None`` if nothing is to happen by itself."""
        moments = [child.deadline for child in self.children if child.process is not None]
        moments += [child.due for child in self._to_start() if child.due is not None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _renew_patience(self, now: float) -> None:
        """A pause of the whole machine or container is nobody's fault: everyone gets the time to speak."""
        for child in self.children:
            child.deadline = max(child.deadline, now + child.spec.patience.heartbeat)

    def _done(self) -> bool:
        return self._stopping and all(child.process is None for child in self.children)

    def _handle(self, ready: Sequence[Any]) -> None:
        if self._wakeup in ready:
            self._on_stop_requests(len(self._wakeup.recv(64)))
        for child in self.children:
            self._listen(child)
        for child in self.children:
            if child.has_ended(ready):
                self._on_end(child)
        if any(child.unwatched for child in self.children):
            with _signals_held_back():
                forkserver.ensure_running()  # so that the next start need not wait for what is to be loaded

    def _listen(self, child: Child) -> None:
        for word in child.hear():
            self._on_word(child, word)

    # Beginning ---------------------------------------------------------------------------------------

    def _to_start(self) -> Sequence[Child]:
        """The workers that may be started: at the first start none but the first that is not ready."""
        if self._stopping:
            return ()
        down = [child for child in self.children if child.phase is Phase.DOWN]
        if self._announced:
            return down
        waiting = [child for child in self.children if child.phase is not Phase.RUNNING]
        return [child for child in waiting[:1] if child in down]

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._to_start():
            if child.due is not None and child.due <= now and not self._stopping:
                self._start(child)
        if not self._announced and all(child.phase is Phase.RUNNING for child in self.children):
            self._announced = True
            self._on_ready()

    def _start(self, child: Child) -> None:
        ours, theirs = self._context.Pipe()
        orders = (theirs, child.spec, child.restarts)
        process = self._context.Process(target=_work, args=orders, name=child.spec.name)
        child.due = None
        try:
            with _signals_held_back():
                process.start()
        except (OSError, EOFError) as error:
            # The fork server is gone, or the newborn did not live to read its orders.
            ours.close()
            child.last_error = f"could not be started ({type(error).__name__})"
            self._follow_policy(child)
        else:
            child.begin(process, ours, time.monotonic())
        finally:
            theirs.close()

    def _on_word(self, child: Child, word: Word) -> None:
        match word:
            case Ready() if child.phase is Phase.STARTING:
                child.phase = Phase.RUNNING
                child.deadline = time.monotonic() + child.spec.patience.heartbeat
                _log.info(
                    "%s is ready",
                    child.spec.name,
                    extra={"action": "process_ready", "worker": child.spec.name},
                )
            case Beat() if child.phase is Phase.RUNNING:
                child.deadline = time.monotonic() + child.spec.patience.heartbeat
            case RestartProcess(name):
                self._restart(name)

    def _restart(self, name: str) -> None:
        """An operator's restart: an orderly stop, then a start at once with a clean record."""
        child = self._children.get(name)
        if child is None or self._stopping:
            _log.warning("%s is not restarted: %s", name, "the service stops" if child else "no such process")
            return
        child.history.forgive()
        if child.process is None:
            child.due = time.monotonic()
        elif child.phase is not Phase.STOPPING:
            child.ask_to_stop(time.monotonic())

    # Ending ------------------------------------------------------------------------------------------

    def _on_end(self, child: Child) -> None:
        asked = child.phase is Phase.STOPPING
        status = child.close()
        if self._stopping:
            self._stop_next()
        elif asked:
            child.restarts += 1
            child.due = time.monotonic()
        else:
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
                child.restarts += 1
                child.due = now + pause
            case Escalate() | LetGo():
                self._give_up(f"{child.spec.name} failed too often: {child.last_error}")

    def _give_up(self, why: str) -> None:
        self._failure = why
        _log.critical("giving up: %s", why, extra={"action": "service_failed", "error": why})
        self._begin_stop()

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.deadline <= now:
                child.kill(_IMPATIENCE[child.phase])
                child.deadline = now + child.spec.patience.ready

    def _on_stop_requests(self, requests: int) -> None:
        """The first is for an orderly stop, which may be under way; with the second patience is lost."""
        self._stops_requested += requests
        if not self._stopping:
            self._begin_stop()
        if self._stops_requested > 1:
            self._kill_all("stopped at once")

    def _begin_stop(self) -> None:
        self._stopping = True
        self._stop_next()

    def _stop_next(self) -> None:
        """Stop the last-started worker that is still there; the one before it follows when it has ended."""
        for child in reversed(self.children):
            if child.process is not None:
                if child.phase is not Phase.STOPPING:
                    child.ask_to_stop(time.monotonic())
                return

    def _kill_all(self, why: str) -> None:
        for child in self.children:
            if child.process is not None:
                child.kill(why)

    def _leave_nobody(self) -> None:
        """Nobody is left, unless the loop was ended by an error."""
        self._kill_all("the root failed")
        for child in self.children:
            if child.process is not None:
                child.process.join()
            child.close()
        self._wakeup.close()
        self._waker.close()


_IMPATIENCE: Final = {
    Phase.STARTING: "not ready in time",
    Phase.RUNNING: "no heartbeat",
    Phase.STOPPING: "still there after the time to stop",
}


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Who is born inside hears TERM and INT only when it says so; the fork server, which never does, never.

    A service manager, or a terminal, sends them to all processes of a group: the fork server is needed until
    the last worker has ended, and a worker must be able to stop in order from its first moment on.
    """
    resource_tracker.ensure_running()  # its own way of doing the same would end ours
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, spec: ProcessSpec, restarts: int) -> None:
    """What a worker process runs first."""
    link = Link(pipe, grace=spec.patience.stop, restarts=restarts)
    link.open()
    _set_title(spec.title or spec.name)
    raise SystemExit(spec.main(link, *spec.args))


def _set_title(title: str) -> None:
    try:
        from setproctitle import setproctitle  # noqa: PLC0415 - an optional nicety of this library
    except ImportError:
        return
    setproctitle(title)
