"""What differs between two configurations, and what each difference takes to come into effect."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from pushserver.config.finding import dotted
from pushserver.config.recipient import Recipient
from pushserver.config.settings import Settings


class Kind(StrEnum):
    """What has happened to a part of the configuration."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Effect(StrEnum):
    """What it takes."""

    RELOAD = "reload"
    """A reload: only what has changed begins anew."""
    RESTART = "restart"
    """A restart of the service."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference at ``path``; ``before`` and ``after`` are shown for numbers and switches only."""

    path: str
    kind: Kind
    effect: Effect
    before: str = ""
    after: str = ""


_LIVE: Final = ("server.cors", "server.rate_limit", "digest.")
"""Settings, by the beginning of their paths, that a reload puts into effect."""


def compare(old: Settings, new: Settings) -> tuple[Change, ...]:
    """All differences, in the order of the models."""
    return tuple(_differences(old, new))


def _differences(old: Settings, new: Settings) -> Iterator[Change]:
    for name in Settings.model_fields:
        match name:
            case "recipients":
                yield from _recipients(old.recipients, new.recipients)
            case "auth":
                yield from _named("auth.keys", old.auth.keys, new.auth.keys, Effect.RELOAD)
            case _:
                yield from _section(name, getattr(old, name), getattr(new, name), old, new)


def _section(path: str, old: Any, new: Any, before: Settings, after: Settings) -> Iterator[Change]:
    """Of a part of the configuration that is a mapping, or, in the end, a value."""
    if old == new:
        return
    if path == "smtp_relay.accounts":
        yield from _named(path, old, new, _effect_on_accounts(before, after))
    elif isinstance(old, BaseModel) and isinstance(new, BaseModel):
        for name, field in type(old).model_fields.items():
            inner = f"{path}.{field.alias or name}"
            yield from _section(inner, getattr(old, name), getattr(new, name), before, after)
    else:
        effect = Effect.RELOAD if path.startswith(_LIVE) else Effect.RESTART
        yield Change(path, _kind(old, new), effect, _shown(old), _shown(new))


def _effect_on_accounts(before: Settings, after: Settings) -> Effect:
    """The first account, and the end of the last, decide whether there is a process for them."""
    return Effect.RELOAD if before.relays_mail and after.relays_mail else Effect.RESTART


def _recipients(old: Mapping[str, Recipient], new: Mapping[str, Recipient]) -> Iterator[Change]:
    for alias in dict.fromkeys((*old, *new)):
        before, after = old.get(alias), new.get(alias)
        if before is None or after is None:
            yield _change(("recipients", alias), before, after)
        elif before != after:
            yield from _recipient(before, after)


def _recipient(old: Recipient, new: Recipient) -> Iterator[Change]:
    path = ("recipients", old.alias)
    for field in Recipient.model_fields:
        if field != "channels" and getattr(old, field) != getattr(new, field):
            yield Change(dotted((*path, field)), Kind.CHANGED, Effect.RELOAD)
    ours = {channel.platform: channel for channel in old.channels}
    theirs = {channel.platform: channel for channel in new.channels}
    for platform in dict.fromkeys((*ours, *theirs)):
        place = (*path, "platforms", platform.value)
        before, after = ours.get(platform), theirs.get(platform)
        if before is None or after is None:
            yield _change(place, before, after)
        elif before != after:
            yield from _named(dotted(place), before.targets, after.targets, Effect.RELOAD)
    if [*ours] != [*theirs] and {*ours} == {*theirs}:
        yield Change(f"{dotted(path)} (order)", Kind.CHANGED, Effect.RELOAD)


def _named(path: str, old: Sequence[Any], new: Sequence[Any], effect: Effect) -> Iterator[Change]:
    """Of a list whose items have names."""
    ours, theirs = ({item.name: item for item in items} for items in (old, new))
    for name in dict.fromkeys((*ours, *theirs)):
        before, after = ours.get(name), theirs.get(name)
        if before != after:
            yield Change(f"{path}.{dotted((name,))}", _kind(before, after), effect)
    if [*ours] != [*theirs] and {*ours} == {*theirs}:
        yield Change(f"{path} (order)", Kind.CHANGED, effect)


def _change(path: tuple[str, ...], old: object, new: object) -> Change:
    return Change(dotted(path), _kind(old, new), Effect.RELOAD)


def _kind(old: object, new: object) -> Kind:
    if old is None:
        return Kind.ADDED
    return Kind.REMOVED if new is None else Kind.CHANGED


def _shown(value: object) -> str:
    """Numbers, switches and nothing else: a text might be a secret, in the wrong place or by itself."""
    return str(value).lower() if isinstance(value, bool | int | float) else ""
