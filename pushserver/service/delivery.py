"""The delivering side of a process: recipients and what stands under them, the last line, the sweeper."""

from collections.abc import Mapping
from functools import partial

from actors import ActorSystem, ChildSpec, Ref
from pushserver.config import Channel, Recipient, Settings
from pushserver.delivery import (
    Board,
    Build,
    Gate,
    LastLine,
    Lookout,
    Recipients,
    RetryRules,
    Services,
    Sweeper,
    Terms,
    channel_spec,
)
from pushserver.domain import PlatformName
from pushserver.domain.breaker import BreakerRules
from pushserver.metrics import DeliveryMetrics
from pushserver.service.follower import Difference
from pushserver.service.layout import Layout
from pushserver.service.policies import ESSENTIAL
from pushserver.store import InFlight

LAST_LINE = "last-line"
"""The channel of the global notices, in the tree."""
STEPS_OF_A_SEND = 3
"""Times ``queue.timeout`` that a send in hand may take at most: a mail is a conversation."""
_SLACK = 3.0
NOTIFICATIONS = "notifications"
"""The notification store, in the tree of every process."""


LOOKOUT = "lookout"
"""Who says what tasks wait for, in the tree of every process that delivers."""


def retry_rules(settings: Settings) -> RetryRules:
    """The rules of ``queue.*``."""
    return RetryRules(settings.queue.retry_count, settings.queue.retry_delay)


def _terms(settings: Settings) -> Terms:
    """What every endpoint is used on, as far as its own configuration does not say otherwise."""
    queue, breaker = settings.queue, settings.breaker
    rules = BreakerRules(breaker.failures, breaker.rest, breaker.max_rest, sample=20)
    return Terms(reserve=queue.reserve, max_wait=queue.max_wait, breaker=rules if breaker.enabled else None)


class DeliverySide:
    """Makes the specs of the actors that deliver, in the order of their start.

    ``build`` makes the platform behind each endpoint; ``board`` is where they let themselves be seen.
    """

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        *,
        system: ActorSystem,
        in_flight: InFlight,
        metrics: DeliveryMetrics,
        board: Board,
        build: Build,
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._system = system
        self._build = build
        self._board = board
        self._services = self._make_services(in_flight, metrics)
        self._recipients = Recipients(self._own(settings.recipients), self._services, self._build)

    def specs(self) -> dict[str, ChildSpec]:
        """By name."""
        sweeper = partial(Sweeper, store=self._services.store, recipient=self._own_recipient)
        return {
            LAST_LINE: channel_spec(self._last_line(), self._services, self._build),
            "recipients": ChildSpec(kind="branch", children=self._recipients),
            "sweeper": ChildSpec(kind="sweeper", start=sweeper, policy=ESSENTIAL),
            LOOKOUT: ChildSpec(kind="lookout", start=partial(Lookout, board=self._board), policy=ESSENTIAL),
        }

    def follow(self, settings: Settings, difference: Difference) -> None:
        """Know the new recipients; those that differ begin anew, once what they have in hand is done."""
        self._recipients.replace(self._own(settings.recipients))
        patience = STEPS_OF_A_SEND * self._settings.queue.timeout + _SLACK
        for alias in difference.recipients:
            address = self._layout.recipient(alias)
            if address.process == self._system.process:
                self._system.begin_restart(address, _nobody, grace=patience)

    def _own(self, recipients: Mapping[str, Recipient]) -> Mapping[str, Recipient]:
        """Those that belong to this process: nobody else answers to their names here."""
        return {
            alias: recipient
            for alias, recipient in recipients.items()
            if self._layout.owner(alias) == self._system.process
        }

    def _own_recipient(self, alias: str) -> Ref | None:
        """A recipient that belongs to this process, configured or not."""
        address = self._layout.recipient(alias)
        if address.process != self._system.process:
            return None
        self._recipients.remember(alias)
        return self._system.ref_at(address)

    def _make_services(self, in_flight: InFlight, metrics: DeliveryMetrics) -> Services:
        queue = self._settings.queue
        names = tuple(notice.name for notice in self._last_line().targets)
        channel = self._system.ref(LAST_LINE)
        return Services(
            store=self._system.ref("store"),
            notifications=self._system.ref(NOTIFICATIONS),
            gate=Gate(self._share(queue.worker_count), self._share(queue.max_concurrent_per_platform)),
            in_flight=in_flight,
            rules=retry_rules(self._settings),
            send_timeout=queue.timeout,
            backlog=queue.buffer_size,
            metrics=metrics,
            board=self._board,
            terms=_terms(self._settings),
            last_line=LastLine(channel, names) if self._settings.system else None,
        )

    def _share(self, limit: int) -> int:
        """This process's part of a limit of the whole service, at least one."""
        return max(1, limit // len(self._layout.delivery_processes))

    def _last_line(self) -> Channel:
        system = self._settings.system
        return Channel(platform=PlatformName.SYSTEM, targets=system.notifications if system else ())


def _nobody(_: int) -> None:
    """Nobody waits for a recipient that begins anew."""
