"""The parts that the application under test is built from: values, and a store that is a list."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from actors import Address
from pushserver.api import (
    AccountFigures,
    ActorPage,
    ActorQuery,
    Dependencies,
    Health,
    Outcome,
    RelayOverview,
    RelayStatus,
    Reloaded,
    Restarted,
)
from pushserver.domain import PlatformName, StoredTask, Task, TaskStatus
from pushserver.domain.mail import MailPage, MailState
from pushserver.metrics import DoorMetrics
from tests.store.notification_model import NotificationList

NOON = datetime(2024, 1, 1, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class SomeChannel:
    platform: PlatformName
    targets: tuple[str, ...] = ("机器人",)


@dataclass(frozen=True)
class SomeRecipient:
    channels: tuple[SomeChannel, ...]


@dataclass(frozen=True)
class SomeProgress:
    total: int = 1
    success: int = 0
    failed: int = 0
    pending: int = 1


RECIPIENTS = {
    "ops_alert": SomeRecipient((SomeChannel(PlatformName.FEISHU), SomeChannel(PlatformName.DINGTALK))),
    "only.system": SomeRecipient((SomeChannel(PlatformName.SYSTEM),)),
    "nobody": SomeRecipient(()),
    "hollow": SomeRecipient((SomeChannel(PlatformName.EMAIL, ()),)),
}


@dataclass
class SomeActors:
    """Shows the page it was given, and notes what it was asked."""

    shown: ActorPage = field(default_factory=lambda: ActorPage(0))
    trouble: Exception | None = None
    restarts: int | None = 1
    queries: list[ActorQuery] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)

    def page(self, query: ActorQuery) -> ActorPage:
        if self.trouble:
            raise self.trouble
        self.queries.append(query)
        return self.shown

    def restart(self, address: str) -> Restarted:
        if self.trouble:
            raise self.trouble
        self.restarted.append(address)
        return Restarted(Address.parse(address, "main-0"), self.restarts)


@dataclass
class SomeRelay:
    """Shows what it was given."""

    shown: RelayOverview = field(
        default_factory=lambda: RelayOverview(
            enabled=False, status=RelayStatus.DISABLED, port=2525, accounts_count=0, active_connections=0
        )
    )
    figures: list[AccountFigures] = field(default_factory=list)
    page: MailPage = field(default_factory=lambda: MailPage((), 0))
    trouble: Exception | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def overview(self) -> RelayOverview:
        return self.shown

    def accounts(self) -> Sequence[AccountFigures]:
        if self.trouble:
            raise self.trouble
        return self.figures

    def mails(self, state: MailState | None, limit: int, offset: int) -> MailPage:
        self._note("mails", state, limit, offset)
        return self.page

    def retry(self, mail_ids: Sequence[str] | None) -> int:
        self._note("retry", mail_ids)
        return 2 if mail_ids is None else len(mail_ids)

    def drop(self, mail_ids: Sequence[str]) -> int:
        self._note("drop", mail_ids)
        return len(mail_ids)

    def _note(self, *asked: Any) -> None:
        if self.trouble:
            raise self.trouble
        self.asked.append(asked)


@dataclass
class SomeConfiguration:
    """Answers what it was told to, and notes what it was asked."""

    answer: Reloaded = field(default_factory=lambda: Reloaded(Outcome.APPLIED))
    reloads: int = 0
    previewed: list[str | None] = field(default_factory=list)

    def reload(self) -> Reloaded:
        self.reloads += 1
        return self.answer

    def preview(self, text: str | None) -> Reloaded:
        self.previewed.append(text)
        return self.answer


@dataclass
class Parts:
    """A store in memory, with the faults that the ports promise."""

    tasks: dict[str, StoredTask] = field(default_factory=dict)
    commits: list[Sequence[Task]] = field(default_factory=list)
    trouble: Exception | None = None
    fitness: Health = field(default_factory=lambda: Health(healthy=True))
    actors: SomeActors = field(default_factory=SomeActors)
    notifications: NotificationList = field(default_factory=NotificationList)
    relay: SomeRelay = field(default_factory=SomeRelay)
    configuration: SomeConfiguration = field(default_factory=SomeConfiguration)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def submit(self, tasks: Sequence[Task]) -> None:
        if self.trouble:
            raise self.trouble
        self.commits.append(tuple(tasks))
        self.tasks |= {task.id: StoredTask(task, TaskStatus.PENDING) for task in tasks}

    def fetch(self, task_id: str) -> StoredTask | None:
        if self.trouble:
            raise self.trouble
        return self.tasks.get(task_id)

    def dependencies(self) -> Dependencies:
        ids = iter(range(10**9))
        return Dependencies(
            recipients=RECIPIENTS,
            submit=self.submit,
            fetch=self.fetch,
            progress=lambda stored: SomeProgress(),
            health=lambda: self.fitness,
            actors=self.actors,
            notifications=self.notifications,
            relay=self.relay,
            configuration=self.configuration,
            metrics=lambda: b"up 1\n",
            count=DoorMetrics(self.registry),
            now=lambda: NOON,
            new_task_id=lambda local: f"task_20240101_120000_{next(ids):012d}",
        )


def push_body(**changes: Any) -> dict[str, Any]:
    """A valid push, with top-level fields changed; the value ``...`` takes a field away."""
    body: dict[str, Any] = {
        "recipient_alias": "ops_alert",
        "type": "error",
        "strategy": "all",
        "style": "card",
        "content": {"title": "标题", "msg": "内容"},
    } | changes
    return {name: value for name, value in body.items() if value is not ...}
