"""Who may do what at the HTTP door: keys with scopes, and for whom each may push."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator

from pushserver.config import checks
from pushserver.config.api_key import is_hash, prefix_of
from pushserver.config.kinds import Name, Section


class Scope(StrEnum):
    """What a key opens."""

    PUSH = "push"
    """Submit pushes."""
    READ = "read"
    """See tasks, notices (and mark them as read), actors, the relay and the metrics."""
    OPERATE = "operate"
    """Restart, reload, delete."""


def _hash(text: str) -> str:
    if text and not is_hash(text):
        checks.unfit("a text that is no such hash")
    return text


def _scopes(value: Any) -> tuple[Scope, ...]:
    words = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not words or not all(isinstance(word, str) and word in set(Scope) for word in words):
        checks.unfit("an empty list" if not words else "something else")
    return tuple(Scope(word) for word in dict.fromkeys(words))


def _aliases(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        checks.unfit("an empty list" if value == [] else checks.kind_of(value))
    return tuple(checks.alias(checks.is_text(alias)) for alias in value)


KeyHash = Annotated[
    str, AfterValidator(_hash), Field(description="a hash that `pushserver key new` has printed", repr=False)
]
Scopes = Annotated[
    tuple[Scope, ...], PlainValidator(_scopes), Field(description="a list of push, read, operate")
]
Aliases = Annotated[
    tuple[str, ...] | None, PlainValidator(_aliases), Field(description="a list of recipients' aliases")
]


class ApiKey(Section):
    """A client's key. ``recipients``: it may push to these only, and sees their tasks only."""

    name: Name = ""
    hash: KeyHash = ""
    scopes: Scopes = ()
    recipients: Aliases = None

    @property
    def prefix(self) -> str:
        """What the key is known by in logs."""
        return prefix_of(self.hash)


class AuthSettings(Section):
    """The keys; without any, everybody may do everything but operate, which the machine itself may."""

    keys: tuple[ApiKey, ...] = ()
