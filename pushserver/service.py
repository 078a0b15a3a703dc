"""The whole service in one process: the one place that knows everything.

:meth:`Service.start` reads as the order of the start; the stop is its reverse. Everything else in the
project is given what it needs.
"""

import logging
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Self, TextIO

from filelock import FileLock, Timeout
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine

from actors import (
    ActorError,
    ActorSystem,
    Backoff,
    Cell,
    ChildSpec,
    Exhausted,
    Limits,
    MailboxFull,
    Policy,
    Ref,
    State,
)
from actors.cpu import pin
from pushserver import api
from pushserver.api.door import HttpDoor
from pushserver.config import Channel, Settings, TargetSettings
from pushserver.delivery import (
    Gate,
    LastLine,
    Progress,
    Recipients,
    RetryRules,
    Services,
    Sweeper,
    channel_spec,
    progress_of,
)
from pushserver.domain import (
    PlatformName,
    PushServerError,
    QueueFull,
    StoredTask,
    StoreUnavailable,
    Task,
    new_task_id,
)
from pushserver.domain.messages import SubmitTasks, TaskReady
from pushserver.platforms import Context as PlatformContext
from pushserver.platforms import Platform, build
from pushserver.store import (
    Estate,
    InFlight,
    Retention,
    TaskReader,
    TaskStore,
    database_file,
    open_reader,
    open_writer,
)
from pushserver.store.migrations import migrate

_log = logging.getLogger(__name__)

PROCESS = "main-0"
"""The name of the one process, in addresses and metrics."""
THREADS = 16
"""Requests handled at once: each waits for its commit, and those that wait share one."""
STORE_TIMEOUT = 20.0
"""Seconds that a request waits for the store before it is refused."""
LAST_LINE = "last-line"
"""The channel of the global notices, in the tree."""
HEALTH_TIMEOUT = 5.0

_ESSENTIAL = Policy(
    restarts=5, within=60.0, backoff=Backoff(first=0.1, ceiling=5.0), exhausted=Exhausted.ESCALATE
)
"""The process cannot do without these: over their budget, it ends."""
_IN_START_ORDER = ("store", LAST_LINE, "recipients", "sweeper", "api")


class AlreadyRunning(PushServerError):  # noqa: N818 - a state, not a mistake
    """Another service works on the same store."""


class Service:
    """The service, from :meth:`start` to :meth:`stop`; as a context manager both.

    ``settings`` are checked; ``console`` is where console notices go.
    """

    def __init__(self, settings: Settings, console: TextIO | None = None) -> None:
        self._settings = settings
        self._console = console or sys.stdout
        self._resources = ExitStack()
        self._rules = RetryRules(settings.queue.retry_count, settings.queue.retry_delay)
        self._registry = CollectorRegistry()
        self.cpu: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # Start and stop ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything in order, the door last: what comes through it can be served.

        Raises:
            PushServerError: another service runs, the port is taken, or the store cannot be used.
            StartFailed: an actor that the service needs did not start.
        """
        with ExitStack() as undo:
            undo.callback(self._resources.close)
            self._start()
            undo.pop_all()

    def _start(self) -> None:
        settings = self._settings
        self.socket = self._resources.enter_context(
            api.open_socket(settings.server.host, settings.server.port)
        )
        self._directory = database_file(settings.storage.url).parent
        self._lock_store()
        migrate(settings.storage.url)
        self._reader = TaskReader(self._reading_engine())
        self.cpu = pin(0) if settings.processes.pin != "off" else None
        self.system = self._actors()
        self._resources.callback(self._stop_actors)
        self.system.start()
        _log.info("服务已启动", extra={"action": "started", "port": self.port, "cpu": self.cpu})

    def stop(self) -> None:
        """Stop everything in the reverse order: what is under way is finished, the rest goes on next time."""
        self._resources.close()

    def _stop_actors(self) -> None:
        clean = self.system.stop(self._settings.processes.shutdown_timeout)
        _log.info("服务已停止", extra={"action": "stopped", "clean": clean})

    @property
    def port(self) -> int:
        """The port of the HTTP door."""
        port: int = self.socket.getsockname()[1]
        return port

    # What the actors stand on ------------------------------------------------------------------------

    def _lock_store(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            self._resources.enter_context(FileLock(self._directory / "pushserver.lock", blocking=False))
        except Timeout:
            raise AlreadyRunning(
                f"another service works on the store in {self._directory}; stop it, or name another "
                "place in storage.url"
            ) from None

    def _reading_engine(self) -> Engine:
        engine = open_reader(self._settings.storage.url)
        self._resources.callback(engine.dispose)
        return engine

    def _writing_engine(self) -> Engine:
        storage = self._settings.storage
        return open_writer(storage.url, durability=storage.durability)

    # The actors --------------------------------------------------------------------------------------

    def _actors(self) -> ActorSystem:
        """The tree of the one process; the order is that of the start."""
        settings = self._settings
        children: dict[str, ChildSpec] = {}
        root = ChildSpec(kind="root", children=children, starts=_IN_START_ORDER)
        limits = Limits(settings.processes.idle_after, settings.processes.max_awake)
        system = ActorSystem(PROCESS, root, limits=limits)
        self._store = system.ref("store")
        # Before this life makes its own record, which looks like one of those and must not go with them.
        estate = Estate(InFlight.recover(self._directory))
        services = self._services(system)
        self._recipients = Recipients(settings.recipients, services, self._build)
        children["store"] = self._store_spec(estate)
        children[LAST_LINE] = channel_spec(self._last_line(), services, self._build)
        children["recipients"] = ChildSpec(kind="branch", children=self._recipients)
        children["sweeper"] = ChildSpec(
            kind="sweeper",
            start=partial(Sweeper, store=self._store, recipient=self._recipient),
            policy=_ESSENTIAL,
        )
        children["api"] = ChildSpec(
            kind="door",
            start=partial(HttpDoor, server=self._http_server, drain=settings.processes.shutdown_timeout),
            policy=_ESSENTIAL,
            deadline=settings.processes.shutdown_timeout + 5.0,
        )
        return system

    def _store_spec(self, estate: Estate) -> ChildSpec:
        queue, task = self._settings.queue, self._settings.task
        start = partial(
            TaskStore,
            engine=self._writing_engine,
            buffer_size=queue.buffer_size,
            retention=Retention(task.max_age, task.cleanup_interval),
            estate=estate,
        )
        return ChildSpec(kind="store", start=start, policy=_ESSENTIAL, batch=queue.batch_size)

    def _services(self, system: ActorSystem) -> Services:
        queue = self._settings.queue
        recorder = InFlight(self._directory, PROCESS, queue.worker_count)
        self._resources.callback(recorder.close)
        names = tuple(notice.name for notice in self._last_line().targets)
        return Services(
            store=self._store,
            gate=Gate(queue.worker_count, queue.max_concurrent_per_platform),
            in_flight=recorder,
            rules=self._rules,
            send_timeout=queue.timeout,
            last_line=LastLine(system.ref(LAST_LINE), names) if self._settings.system else None,
        )

    def _last_line(self) -> Channel:
        system = self._settings.system
        return Channel(platform=PlatformName.SYSTEM, targets=system.notifications if system else ())

    def _build(self, target: TargetSettings) -> Platform:
        http = self._settings.http
        context = PlatformContext(
            timeout=self._settings.queue.timeout,
            console=self._console,
            logger=logging.getLogger("pushserver.notices"),
            local_hostname=socket.gethostname(),
            proxy=http.proxy,
            ca_file=http.ca_file,
        )
        return build(target, context)

    def _http_server(self) -> api.HttpServer:
        server = self._settings.server
        limits = api.Limits(
            read_timeout=server.read_timeout,
            write_timeout=server.write_timeout,
            max_header_bytes=server.max_header_bytes,
        )
        return api.HttpServer(self._app(), self.socket, threads=THREADS, limits=limits)

    def _app(self) -> api.App:
        return api.create_app(
            api.Dependencies(
                recipients=self._settings.recipients,
                submit=self._submit,
                fetch=self._reader.fetch,
                progress=self._progress,
                health=self._health,
                metrics=self._metrics,
                now=self.system.clock.now,
                new_task_id=new_task_id,
            )
        )

    # What the door asks for --------------------------------------------------------------------------

    def _recipient(self, alias: str) -> Ref:
        self._recipients.remember(alias)
        return self.system.ref("recipients", alias)

    def _submit(self, tasks: Sequence[Task]) -> None:
        """Store, then wake: a wake that is lost costs seconds, not a message."""
        try:
            self._store.ask(SubmitTasks(tuple(tasks)), timeout=STORE_TIMEOUT)
        except MailboxFull as error:
            raise QueueFull(str(error)) from error
        except ActorError as error:
            raise StoreUnavailable(str(error)) from error
        for task in tasks:
            with suppress(ActorError):
                self.system.ref("recipients", task.recipient).tell(TaskReady(task))

    def _progress(self, stored: StoredTask) -> Progress:
        recipient = self._settings.recipients.get(stored.task.recipient)
        channels = recipient.channels if recipient else ()
        return progress_of(stored, channels, self._rules, self.system.clock.now().timestamp())

    def _health(self) -> api.Health:
        states = {cell.address.name: cell.state.value for cell in self.system.cells() if _essential(cell)}
        parked = [str(cell.address) for cell in self.system.cells() if cell.parked]
        checks = {"actors": states, "parked": parked}
        ill = [name for name, state in states.items() if state != State.RUNNING]
        if ill:
            return api.Health(healthy=False, reason=f"not running: {', '.join(ill)}", checks=checks)
        try:
            self._store.ask(SubmitTasks(()), timeout=HEALTH_TIMEOUT)
        except (ActorError, PushServerError) as error:
            return api.Health(healthy=False, reason=f"the store cannot commit: {error}", checks=checks)
        return api.Health(healthy=True, checks=checks)

    def _metrics(self) -> bytes:
        return generate_latest(self._registry)


def _essential(cell: Cell) -> bool:
    return cell.spec.policy.exhausted is Exhausted.ESCALATE and cell.spec.start is not None
