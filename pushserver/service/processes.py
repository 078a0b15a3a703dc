"""The service in several processes: a root that supervises, in a thread of this process, and its workers."""

import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

from actors import StartFailed
from actors.processes import BEAT_INTERVAL, Link, Network, Patience, ProcessSpec, Root, Transport, exit_codes
from pushserver import logs
from pushserver.config import Settings
from pushserver.config.apart import Source
from pushserver.logs import LevelFile, Redactor, SwitchSignal
from pushserver.service.groundwork import Sockets
from pushserver.service.hangup import ReloadSignal
from pushserver.service.heap import settle
from pushserver.service.layout import Layout
from pushserver.service.shelf import FileShelf
from pushserver.service.worker import Changing, Place, Worker

_log = logging.getLogger(__name__)

PRELOAD = ("pushserver.service.processes", "pushserver.service.worker", "pushserver.cli")
"""What the fork server loads once, so that a worker is there in milliseconds."""


class ProcessCrew:
    """A root and its workers. The root's loop has a thread of its own; the main thread stays the caller's."""

    def __init__(
        self, settings: Settings, layout: Layout, sockets: Sockets, source: Source | None = None
    ) -> None:
        self.failed = threading.Event()
        self._settings = settings
        self._source = source
        self._first = layout.processes[0]
        self._directory = tempfile.mkdtemp(prefix="pushserver-")
        network = Network(self._directory, secrets.token_bytes(32))
        self._ready = threading.Event()
        specs = [self._spec(Place.of(name, layout, sockets), network) for name in layout.processes]
        self.root = Root(specs, preload=PRELOAD, on_ready=self._ready.set)
        self._thread = threading.Thread(target=self._run, name="root", daemon=True)

    def _spec(self, place: Place, network: Network) -> ProcessSpec:
        stop_within = self._settings.processes.shutdown_timeout + 5.0
        return ProcessSpec(
            name=place.name,
            main=work,
            args=(self._settings, place, network, self._source),
            patience=Patience(stop=stop_within),
            title=f"pushserver: {place.name}",
        )

    @property
    def failure(self) -> str:
        """Why the service cannot go on."""
        return self.root.failure or "the root has crashed"

    @property
    def alive(self) -> bool:
        """See :class:`~pushserver.service.service.Crew`."""
        return self._thread.is_alive() and self.root.on_time

    def start(self) -> None:
        """Return when every worker is ready.

        Raises:
            StartFailed: one is not, after several tries.
        """
        self._thread.start()
        while not self._ready.wait(0.05):
            if self.failed.is_set():
                raise StartFailed(self.failure)

    def stop(self) -> None:
        """Stop the workers in order; those that do not end in time are killed."""
        if self._thread.is_alive():
            self.root.request_stop()
            self._thread.join()
        shutil.rmtree(self._directory, ignore_errors=True)

    def kill(self) -> None:
        """Send KILL to every worker: orphans would end too, but in order and in their own time."""
        self._signal_workers(signal.SIGKILL)

    def pass_on_log_level(self, level: str) -> None:
        """See :class:`~pushserver.service.service.Crew`."""
        LevelFile(Path(self._directory)).leave(level)
        self._signal_workers(signal.SIGUSR1)

    def reload(self) -> None:
        """See :class:`~pushserver.service.service.Crew`."""
        self._signal_workers(signal.SIGHUP, only=self._first)

    def _signal_workers(self, number: signal.Signals, only: str = "") -> None:
        for child in self.root.children:
            if only in {"", child.spec.name} and (pid := child.pid) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _run(self) -> None:
        status = exit_codes.SOFTWARE
        try:
            status = self.root.run()
        finally:  # a root that crashed is a service that cannot go on
            if status != exit_codes.OK:
                self.failed.set()


def work(link: Link, settings: Settings, place: Place, network: Network, source: Source | None) -> int:
    """What a worker process does, from its start to its end."""
    settle()  # what the fork server has loaded stays shared with it, untouched
    redactor = Redactor.of(settings)
    logs.set_up(settings.log, redactor=redactor)
    directory = Path(network.directory)
    level = LevelFile(directory)
    changing = Changing(source, FileShelf(directory), redactor.learn)
    with SwitchSignal(level.follow) as switch:
        level.follow()
        switch.heed()
        worker = Worker(
            settings,
            place,
            console=sys.stdout,
            restart_process=link.restart,
            restarts=link.restarts,
            changing=changing,
        )
        with ReloadSignal(worker.reload) as hangup:
            if place.is_first:
                hangup.heed()
            return _work(link, worker, place, network)


def _work(link: Link, worker: Worker, place: Place, network: Network) -> int:
    transport = Transport(worker.system, network)
    transport.start()
    _beat(worker, link)
    worker.start()
    settle()
    link.ready()
    while not link.wait(1.0):
        if worker.system.failed.is_set():
            _log.critical(
                "%s", worker.system.failure, extra={"action": "worker_failed", "worker": place.name}
            )
            worker.stop()
            return exit_codes.SOFTWARE
    worker.stop()
    transport.stop()
    return exit_codes.ORPHANED if link.orphaned else exit_codes.OK


def _beat(worker: Worker, link: Link) -> None:
    """From the supervisor's own thread: a process whose supervisor hangs is as good as dead."""
    link.beat()
    worker.system.scheduler.after(BEAT_INTERVAL, partial(_beat, worker, link))
