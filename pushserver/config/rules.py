"""Rules that no single value can break: what must be there once something is on, and what may not be doubled.

They read the tree as written, not the models, so that they speak even while other values are at fault. What
is switched off may be incomplete.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pushserver.config.checks import is_email_address, switch_word
from pushserver.config.finding import Finding, Path
from pushserver.config.reader import Node
from pushserver.domain import PlatformName

_ROBOTS = (PlatformName.FEISHU, PlatformName.DINGTALK, PlatformName.WECHAT)
_OFF = {"off", "0", "f", "n"}

Mapping = dict[str, Any]
Items = list[tuple[Path, Mapping]]


def broken(root: Mapping) -> Iterator[Finding]:
    """Every rule that the tree breaks."""
    yield from _keys(root)
    yield from _relay(root)
    yield from _notices(_mapping(root, "system"), ("system",))
    accounts = has_relay_accounts(root)
    for alias, recipient in _mapping(root, "recipients").items():
        platforms = _mapping(recipient, "platforms")
        path: Path = ("recipients", alias, "platforms")
        for platform in _ROBOTS:
            yield from _webhooks(_mapping(platforms, platform), (*path, platform.value), platform)
        yield from _mail(_mapping(platforms, "email"), (*path, "email"), accounts=accounts)
        yield from _notices(_mapping(platforms, "system"), (*path, "system"))


def has_relay_accounts(root: Mapping) -> bool:
    """Whether any account of the relay is switched on; they work without the relay's door too."""
    relay = _mapping(root, "smtp_relay")
    return any(_is_on(account) for _, account in _items(relay, "accounts", ()))


# The HTTP door ---------------------------------------------------------------------------------------


def _keys(root: Mapping) -> Iterator[Finding]:
    keys = _items(_mapping(root, "auth"), "keys", ("auth", "keys"))
    yield from _doubled(keys, lambda position, _: default_name("key", position))
    yield from _doubled(keys, lambda position, _: f"no hash, {position}", of="hash")
    for path, key in keys:
        yield from _needs(key, (*path, "name"), "a name that logs call the key by")
        yield from _needs(key, (*path, "hash"), "what `pushserver key new` prints")
        yield from _needs(key, (*path, "scopes"), "a list of push, read, operate")
        yield from _unknown_recipients(key, (*path, "recipients"), _mapping(root, "recipients"))


def _unknown_recipients(key: Mapping, path: Path, known: Mapping) -> Iterator[Finding]:
    given = key.get("recipients")
    for index, alias in enumerate(given if isinstance(given, list) else ()):
        if isinstance(alias, str) and alias not in known:
            yield Finding((*path, index), "an alias that is not configured", "a key of recipients")


# The relay -------------------------------------------------------------------------------------------


def _relay(root: Mapping) -> Iterator[Finding]:
    relay = _mapping(root, "smtp_relay")
    if relay and _is_on(relay, default=False):
        for key in ("username", "password"):
            path: Path = ("smtp_relay", "auth", key)
            yield from _needs(_mapping(relay, "auth"), path, "a text, because smtp_relay.enabled is on")
    yield from _relay_tls(_mapping(relay, "tls"))
    accounts = _items(relay, "accounts", ("smtp_relay", "accounts"))
    yield from _doubled(accounts, lambda position, _: f"account-{position}")
    for path, account in accounts:
        if _is_on(account):
            yield from _account(account, path)


def _relay_tls(tls: Mapping) -> Iterator[Finding]:
    wanted = _is_on(tls, "require", default=False)
    for key, other in (("cert", "key"), ("key", "cert")):
        if tls.get(other) or wanted:
            yield from _needs(tls, ("smtp_relay", "tls", key), "the path of a PEM file")


def _account(account: Mapping, path: Path) -> Iterator[Finding]:
    yield from _needs(account, (*path, "host"), "the mail server's host name")
    username = account.get("username")
    if not (isinstance(username, str) and is_email_address(username)):
        yield from _needs(account, (*path, "from"), "the sender's address, like noreply@example.com")
    if username:
        yield from _needs(account, (*path, "password"), "a text, because there is a username")


# Channels --------------------------------------------------------------------------------------------


def _webhooks(channel: Mapping, path: Path, platform: PlatformName) -> Iterator[Finding]:
    webhooks = _items(channel, "webhooks", (*path, "webhooks"))
    yield from _doubled(webhooks, lambda position, _: default_name(platform, position))
    if _is_on(channel):
        for place, webhook in webhooks:
            yield from _needs(webhook, (*place, "url"), "an http:// or https:// URL")


def _mail(channel: Mapping, path: Path, *, accounts: bool) -> Iterator[Finding]:
    if not channel or not _is_on(channel):
        return
    for place, mailbox in _items(channel, "recipients", (*path, "recipients")):
        yield from _needs(mailbox, (*place, "email"), "a mail address like ops@example.com")
    smtp = channel.get("smtp")
    if isinstance(smtp, dict):
        yield from _account(smtp, (*path, "smtp"))
    elif smtp is None and not accounts:
        yield Finding((*path, "smtp"), "nothing", "either a mail server here or smtp_relay.accounts")


def _notices(channel: Mapping, path: Path) -> Iterator[Finding]:
    notices = _items(channel, "notifications", (*path, "notifications"))
    yield from _doubled(notices, lambda position, notice: default_name(str(notice.get("type")), position))
    if not _is_on(channel):
        return
    for place, notice in notices:
        if notice.get("type") == "http" and _is_on(notice):
            yield from _needs(notice, (*place, "url"), "an http:// or https:// URL")


def default_name(kind: str, position: int) -> str:
    """What a target without a name is called: its kind and its position in the list, from 1."""
    return f"{kind}-{position}"


# Reading a tree that may be anything -----------------------------------------------------------------


def _doubled(items: Items, default: Callable[[int, Mapping], str], *, of: str = "name") -> Iterator[Finding]:
    first: dict[object, Path] = {}
    for path, item in items:
        name = item.get(of)
        if name is None:
            name = default(int(path[-1]) + 1, item)
        if isinstance(name, str) and first.setdefault(name, path) != path:
            yield Finding(
                (*path, of),
                f"the {of} of item {int(first[name][-1]) + 1} again",
                f"a {of} of its own for every item of the list",
            )


def _needs(mapping: Mapping, path: Path, expected: str) -> Iterator[Finding]:
    value: Node = mapping.get(str(path[-1]))
    if value is None or value == "":
        yield Finding(path, "nothing" if value is None else "an empty text", expected)


def _mapping(parent: object, key: str) -> Mapping:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def _items(parent: Mapping, key: str, path: Path) -> Items:
    value = parent.get(key)
    items = enumerate(value) if isinstance(value, list) else ()
    return [((*path, index), item) for index, item in items if isinstance(item, dict)]


def _is_on(mapping: Mapping, key: str = "enabled", *, default: bool = True) -> bool:
    value = mapping.get(key)
    if isinstance(value, str):
        return switch_word(value) not in _OFF
    return default if value is None else True
