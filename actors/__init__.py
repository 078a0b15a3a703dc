"""Supervision for Pykka: actors that are names rather than threads.

A tree of :class:`ChildSpec` says what there may be; an :class:`ActorSystem` runs it in one process. Whoever
holds a :class:`Ref` can talk to an actor, whether it is running, asleep, between two lives or parked: the
mailbox belongs to the name. See ``docs/actors.md``.
"""

from actors.actor import Actor, receives
from actors.address import Address
from actors.cell import Cell, State
from actors.clock import Clock, ManualClock, SystemClock
from actors.context import Context
from actors.errors import (
    ActorError,
    ActorFailed,
    ActorNotFound,
    ActorUnavailable,
    AskTimeout,
    MailboxFull,
    StartFailed,
)
from actors.messages import Letter, Reason, Undelivered
from actors.metrics import ActorCollector
from actors.policy import Backoff, Exhausted, Policy, Restart
from actors.ref import Ref
from actors.scheduler import Timer
from actors.spec import ChildSpec
from actors.status import ActorStatus
from actors.system import ActorSystem, Limits

__all__ = [
    "Actor",
    "ActorCollector",
    "ActorError",
    "ActorFailed",
    "ActorNotFound",
    "ActorStatus",
    "ActorSystem",
    "ActorUnavailable",
    "Address",
    "AskTimeout",
    "Backoff",
    "Cell",
    "ChildSpec",
    "Clock",
    "Context",
    "Exhausted",
    "Letter",
    "Limits",
    "MailboxFull",
    "ManualClock",
    "Policy",
    "Reason",
    "Ref",
    "Restart",
    "StartFailed",
    "State",
    "SystemClock",
    "Timer",
    "Undelivered",
    "receives",
]
