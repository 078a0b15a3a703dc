"""What became of one attempt: a closed set of values. Whoever handles verdicts handles all of them.

A platform's adapter *judges* an answer and returns one of these; nothing else in the service looks at a
vendor's codes. ``code`` is the vendor's own code where there was one, ``detail`` its text (never a URL,
token, secret or signature).
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RefusedMailbox:
    """One reader of a mail whom the mail will not reach: refused for good, or never accepted in time."""

    email: str
    code: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """It arrived. A mail may have arrived for some only: ``refused`` for good, ``deferred`` for now."""

    kind: ClassVar[str] = "delivered"
    passing: ClassVar[bool] = False
    code: int | str | None = None
    detail: str = ""
    refused: tuple[RefusedMailbox, ...] = ()
    deferred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """The vendor throttles this endpoint.

    ``waits`` are the seconds to rest after the first, second, … such answer in a row (the last one repeats).
    ``whole_platform`` says that every endpoint of this platform rests, not only this one. ``retries`` caps
    how often the same target is tried again for this reason (``None``: as configured).
    """

    kind: ClassVar[str] = "rate_limited"
    passing: ClassVar[bool] = True
    waits: tuple[float, ...]
    code: int | str | None = None
    detail: str = ""
    whole_platform: bool = False
    retries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient:
    """It certainly did not arrive, for a reason that passes: no connection, a 5xx, nonsense for an answer.

    ``retries`` caps how often the same target is tried again for this reason (``None``: as configured).
    """

    kind: ClassVar[str] = "transient"
    passing: ClassVar[bool] = True
    code: int | str | None = None
    detail: str = ""
    retries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointBroken:
    """Token, robot or credential: this endpoint is ill until somebody mends it."""

    kind: ClassVar[str] = "endpoint_broken"
    passing: ClassVar[bool] = False
    code: int | str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedHere:
    """This endpoint refuses *this message* (keyword, IP list, signature window); the next one may take it."""

    kind: ClassVar[str] = "refused_here"
    passing: ClassVar[bool] = False
    code: int | str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRefused:
    """No endpoint of this platform will take this message; another platform may."""

    kind: ClassVar[str] = "message_refused"
    passing: ClassVar[bool] = False
    code: int | str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """It was sent and the answer was lost: it may have arrived.

    ``again`` says whether the one repetition that a lost answer deserves is still owed.
    """

    kind: ClassVar[str] = "uncertain"
    passing: ClassVar[bool] = False
    code: int | str | None = None
    detail: str = ""
    again: bool = True


Verdict = Delivered | RateLimited | Transient | EndpointBroken | RefusedHere | MessageRefused | Uncertain

VERDICTS: dict[str, type[Verdict]] = {
    verdict.kind: verdict
    for verdict in (
        Delivered,
        RateLimited,
        Transient,
        EndpointBroken,
        RefusedHere,
        MessageRefused,
        Uncertain,
    )
}
