"""The service as whoever starts it sees it: the same from outside, in one process or in several."""

import logging
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self, TextIO

from actors import ActorUnavailable
from actors.cpu import available
from pushserver.config import Settings
from pushserver.config.apart import Source
from pushserver.logs import Rotator
from pushserver.service.groundwork import groundwork
from pushserver.service.layout import ALONE, Layout
from pushserver.service.relay import relays_mail
from pushserver.service.worker import Changing, Place, Worker

_log = logging.getLogger(__name__)

OPEN_TO_ALL = (
    "未配置API密钥（auth.keys），任何能访问HTTP端口的人都可以推送和查询；"
    "可用 pushserver key new 生成密钥，或用 server.host: 127.0.0.1 只允许本机访问"
)

_BEAT = 1.0
_SILENCE = 10.0
"""Seconds between two beats of a scheduler, and without one until it counts as hung."""


class Crew(Protocol):
    """Those who do the work: one worker in this process, or a root with its worker processes."""

    @property
    def failed(self) -> threading.Event:
        """Set once it cannot go on."""

    @property
    def failure(self) -> str:
        """Why."""

    @property
    def alive(self) -> bool:
        """Whether those who look after the others do: what they look after may be down meanwhile."""

    def start(self) -> None:
        """Return when everything answers."""

    def stop(self) -> None:
        """Return when everything has ended."""

    def pass_on_log_level(self, level: str) -> None:
        """Have the other processes log at the level of this one."""

    def reload(self) -> None:
        """Have the configuration file put into effect, without waiting; how it ends is logged."""

    def kill(self) -> None:
        """End all processes but this one at once. Safe in a signal handler."""


class Service:
    """From :meth:`start` to :meth:`stop`; as a context manager both.

    ``settings`` are checked; ``console`` is where console notices of a single process go. ``source`` is where
    they come from, and what a reload reads. ``learn`` is told of parts of the configuration that are new in a
    single process, for whoever keeps their secrets.
    """

    def __init__(
        self,
        settings: Settings,
        console: TextIO | None = None,
        *,
        source: Source | None = None,
        learn: Callable[[object], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._learn = learn
        self._console = console or sys.stdout
        self._resources = ExitStack()
        self._kill: Callable[[], None] = _nobody

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything.

        Raises:
            PushServerError: another service runs, the port is taken, or the store cannot be used.
            StartFailed: an actor or a process that the service needs did not start.
        """
        with ExitStack() as undo:
            undo.callback(self._resources.close)
            self._sockets = self._resources.enter_context(groundwork(self._settings))
            self._resources.enter_context(Rotator.of(self._settings.log))
            self.crew = self._crew()
            self._kill = self.crew.kill
            self._resources.callback(self.crew.stop)
            self.crew.start()
            undo.pop_all()
        _log.info(
            "服务已启动",
            extra={"action": "service_started", "port": self.port, "smtp_port": self.smtp_port},
        )

        if self._settings.anybody_may_push:
            _log.warning("%s", OPEN_TO_ALL, extra={"action": "no_api_keys"})

    def stop(self) -> None:
        """Stop everything: what is under way is finished, the rest goes on at the next start."""
        self._resources.close()
        _log.info("服务已停止", extra={"action": "service_stopped"})

    def kill(self) -> None:
        """End all its processes but this one at once, whatever they do. Safe in a signal handler."""
        self._kill()

    @property
    def port(self) -> int:
        """The port of the HTTP door."""
        port: int = self._sockets.http.getsockname()[1]
        return port

    @property
    def smtp_port(self) -> int | None:
        """The port of the SMTP door, if there is one."""
        return self._sockets.smtp_port

    @property
    def failed(self) -> threading.Event:
        """Set once the service cannot go on."""
        return self.crew.failed

    @property
    def failure(self) -> str:
        """Why it cannot."""
        return self.crew.failure

    @property
    def alive(self) -> bool:
        """Whether it looks after itself; once it does not, only a restart from outside helps."""
        return self.crew.alive

    def pass_on_log_level(self, level: str) -> None:
        """Have all processes log at ``level``, those that are started later too. After the start."""
        self.crew.pass_on_log_level(level)

    def reload(self) -> None:
        """Have the file that the service was started with put into effect, without waiting. After the start.

        Any fault in it, and everything stays as it is; how it ends is logged.
        """
        self.crew.reload()

    def _crew(self) -> Crew:
        relays = relays_mail(self._settings)
        layout = Layout.of(self._settings.processes, available(), relay=relays)
        if layout.alone or sys.platform == "win32":
            place = Place.of(ALONE, Layout(relay=relays), self._sockets)
            changing = Changing(self._source, learn=self._learn)
            return InlineCrew(self._settings, place, self._console, changing)
        from pushserver.service.processes import ProcessCrew  # noqa: PLC0415 - POSIX only

        return ProcessCrew(self._settings, layout, self._sockets, self._source)


class InlineCrew:
    """One worker, in this process."""

    def __init__(self, settings: Settings, place: Place, console: TextIO, changing: Changing) -> None:
        self.worker = Worker(
            settings, place, console=console, restart_process=self._cannot_restart, changing=changing
        )
        self.system = self.worker.system

    @property
    def failed(self) -> threading.Event:
        """See :class:`Crew`."""
        return self.system.failed

    @property
    def failure(self) -> str:
        """See :class:`Crew`."""
        return self.system.failure

    @property
    def alive(self) -> bool:
        """See :class:`Crew`; it is the scheduler that enforces all deadlines."""
        return self.system.clock.monotonic() < self._beat_at + _SILENCE

    def start(self) -> None:
        """See :class:`Crew`."""
        self.worker.start()
        self._beat()

    def _beat(self) -> None:
        self._beat_at = self.system.clock.monotonic()
        self.system.scheduler.after(_BEAT, self._beat)

    def stop(self) -> None:
        """See :class:`Crew`."""
        self.worker.stop()

    def kill(self) -> None:
        """See :class:`Crew`; it is all in this one."""

    def pass_on_log_level(self, level: str) -> None:
        """There are no others."""

    def reload(self) -> None:
        """See :class:`Crew`."""
        self.worker.reload()

    def _cannot_restart(self, name: str) -> None:
        raise ActorUnavailable(f"{name} is the whole service: stop and start the service itself")


def _nobody() -> None:
    """Before there is a crew."""
