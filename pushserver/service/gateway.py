"""The door's side of a process: what the HTTP application asks of the rest of the service."""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from sqlalchemy import Engine

from actors import ActorError, ActorSystem, Address, ChildSpec, MailboxFull
from pushserver import api
from pushserver.api.door import HttpDoor
from pushserver.config import Settings
from pushserver.delivery import Progress, progress_of
from pushserver.domain import (
    QueueFull,
    StoredTask,
    StoreUnavailable,
    Task,
    TaskStatus,
    WaitingFor,
    new_task_id,
)
from pushserver.domain.messages import AskWaiting, SubmitTasks, TaskReady
from pushserver.metrics import DoorMetrics
from pushserver.service.census import Census
from pushserver.service.configuration import Configuration
from pushserver.service.delivery import LOOKOUT, NOTIFICATIONS, retry_rules
from pushserver.service.directory import Directory
from pushserver.service.follower import Difference
from pushserver.service.health import check_health
from pushserver.service.notifications import Notifications
from pushserver.service.policies import ESSENTIAL
from pushserver.service.recipients import CurrentRecipients
from pushserver.service.relay_figures import RelayFigures
from pushserver.service.scrape import Scrape
from pushserver.store import TaskReader

THREADS = 16
"""Requests handled at once: each waits for its commit, and those that wait share one."""
DRAIN_SHARE = 1 / 3
"""The door's part of the time to stop; the rest is for sends under way."""
LOOK_FOR = 0.25
"""Seconds in which a process has to say what a task waits for."""
STORE_TIMEOUT = 20.0
"""Seconds that a request waits for the store before it is refused."""


class GatewaySide:
    """Makes the spec of the HTTP door; ``smtp_port`` is that of the SMTP door, if there is one."""

    def __init__(
        self,
        settings: Settings,
        census: Census,
        *,
        system: ActorSystem,
        restart_process: Callable[[str], None],
        listening: socket.socket,
        reading: Engine,
        metrics: DoorMetrics,
        smtp_port: int | None,
    ) -> None:
        self._settings = settings
        self._layout = census.layout
        self._system = system
        self._listening = listening
        self._reader = TaskReader(reading)
        self._store = system.ref("store")
        self._notifications = Notifications(reading, system.ref(NOTIFICATIONS))
        self._rules = retry_rules(settings)
        self._metrics = metrics
        self._census = census
        self._relay = RelayFigures(settings, census, system, port=smtp_port, reading=reading)
        self._directory = Directory(census, restart_process)
        self._safeguards = api.Safeguards(settings.server, settings.auth)
        self._recipients = CurrentRecipients(settings.recipients)
        self._configuration = Configuration(system, census.layout)

    def specs(self) -> dict[str, ChildSpec]:
        """By name."""
        drain = self._settings.processes.shutdown_timeout * DRAIN_SHARE
        door = partial(HttpDoor, server=self._server, drain=drain)
        return {"api": ChildSpec(kind="door", start=door, policy=ESSENTIAL, deadline=drain + 5.0)}

    def follow(self, settings: Settings, _: Difference) -> None:
        """Take pushes for the new recipients, and go by the new keys, origins and rates."""
        self._recipients.replace(settings.recipients)
        self._relay.follow(settings)
        self._safeguards.apply(settings.server, settings.auth)

    def _server(self) -> api.HttpServer:
        server = self._settings.server
        limits = api.Limits(
            read_timeout=server.read_timeout,
            write_timeout=server.write_timeout,
            max_header_bytes=server.max_header_bytes,
        )
        app = api.behind(api.TrustedProxies(server.trusted_proxies), self._app())
        return api.HttpServer(app, self._listening, threads=THREADS, limits=limits)

    def _app(self) -> api.App:
        return api.create_app(
            api.Dependencies(
                recipients=self._recipients,
                submit=self._submit,
                fetch=self._reader.fetch,
                progress=self._progress,
                waiting_for=self._waiting_for,
                health=partial(check_health, self._census, self._store, self._relay.state),
                actors=self._directory,
                notifications=self._notifications,
                relay=self._relay,
                configuration=self._configuration,
                count=self._metrics,
                metrics=Scrape(self._census).page,
                now=self._system.clock.now,
                new_task_id=new_task_id,
            ),
            self._safeguards,
        )

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
                self._system.ref_at(self._layout.recipient(task.recipient)).tell(TaskReady(task))

    def _waiting_for(self, stored: StoredTask) -> WaitingFor | None:
        """Only who delivers it knows; not worth waiting for, nor an error."""
        if stored.status is not TaskStatus.PROCESSING:
            return None
        process = self._layout.recipient(stored.task.recipient).process
        lookout = self._system.ref_at(Address(process, (LOOKOUT,)))
        try:
            waiting: WaitingFor | None = lookout.ask(AskWaiting(stored.task.id), timeout=LOOK_FOR)
        except ActorError:
            return None
        return waiting

    def _progress(self, stored: StoredTask) -> Progress:
        recipient = self._recipients.get(stored.task.recipient)
        channels = recipient.channels if recipient else ()
        return progress_of(stored, channels, self._rules, self._system.clock.now().timestamp())
