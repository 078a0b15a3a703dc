"""Whether the service is fit to take and deliver a push: faults of ours only."""

from collections.abc import Callable, Mapping
from typing import Any

from actors import ActorError, Ref, State
from actors.operator import ListActors, Listing
from pushserver.api import Health
from pushserver.domain import PushServerError
from pushserver.domain.mail import RelayState
from pushserver.domain.messages import SubmitTasks
from pushserver.service.census import Census, Silence

STORE_PATIENCE = 5.0
ESSENTIAL_KINDS = frozenset({"store", "sweeper", "door", "operator", "queue", "desk", "herald"})
"""What a process is not well without."""
_MOST_FAILING = 100

Listings = Mapping[str, Listing | Silence]


def check_health(census: Census, store: Ref, relay_state: Callable[[], RelayState] = RelayState) -> Health:
    """Look at every process, and let the store commit nothing; accounts that rest are shown, no more."""
    listings: Listings = census.ask_all(ListActors(limit=_MOST_FAILING))
    checks: dict[str, Any] = {process: _check(listing) for process, listing in listings.items()}
    ill = [f"{process}: {what}" for process, listing in listings.items() for what in _ills(listing)]
    fault = _store_fault(store)
    checks["store"] = fault or "ok"
    if census.layout.relay_process is not None:
        checks["smtp_accounts"] = {"resting": list(relay_state().resting)}
    if fault:
        ill.append(f"the store cannot commit: {fault}")
    return Health(healthy=not ill, reason="; ".join(ill), checks=checks)


def _store_fault(store: Ref) -> str:
    try:
        store.ask(SubmitTasks(()), timeout=STORE_PATIENCE)
    except (ActorError, PushServerError) as error:
        return str(error)
    return ""


def _check(listing: Listing | Silence) -> dict[str, Any]:
    if isinstance(listing, Silence):
        return {"state": "missing", "reason": listing.why}
    failing = [str(status.address) for status in listing.actors if status.state is not State.RUNNING]
    return {"state": "running", "actors": listing.total, "failing": failing}


def _ills(listing: Listing | Silence) -> list[str]:
    if isinstance(listing, Silence):
        return [listing.why]
    return [
        f"{status.address.name} is {status.state}"
        for status in listing.actors
        if status.kind in ESSENTIAL_KINDS and status.state is not State.RUNNING
    ]
