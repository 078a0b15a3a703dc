"""What all delivery actors of a process share."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from actors import Ref
from pushserver.delivery.board import Board
from pushserver.delivery.course import RetryRules
from pushserver.delivery.gate import Gate
from pushserver.delivery.rest import PlatformRests
from pushserver.delivery.terms import Terms
from pushserver.domain import new_notification_id
from pushserver.metrics import DeliveryMetrics
from pushserver.store import InFlight


@dataclass(frozen=True, slots=True)
class Services:
    """``store`` is the task store, ``notifications`` the notification store.

    ``last_line`` is the channel of the global notices, if there is one.

    ``send_timeout`` is ``queue.timeout``, in seconds; ``backlog`` is ``queue.buffer_size``: a mailbox holds
    that many messages, since none of them has more than one for each unfinished task. ``terms`` are those of
    an endpoint that the configuration says nothing more about. ``chance`` draws from 0..1.
    """

    store: Ref
    notifications: Ref
    gate: Gate
    in_flight: InFlight
    rules: RetryRules
    send_timeout: float
    last_line: "LastLine | None" = None
    backlog: int = 10_000
    metrics: DeliveryMetrics = field(default_factory=DeliveryMetrics)
    rests: PlatformRests = field(default_factory=PlatformRests)
    terms: Terms = field(default_factory=Terms)
    board: Board = field(default_factory=Board)
    chance: Callable[[], float] = random.random
    new_notification_id: Callable[[datetime], str] = new_notification_id


@dataclass(frozen=True, slots=True)
class LastLine:
    """The channel that carries the global notices, and their names."""

    channel: Ref
    target_names: tuple[str, ...]
