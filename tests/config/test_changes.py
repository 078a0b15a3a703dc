"""What differs between two configurations, and what each difference takes."""

import pytest

from pushserver.config import Change, Effect, Kind, compare
from tests.config.loading import Load

URL = "https://open.feishu.cn/open-apis/bot/v2/hook/planted-token-"
ACCOUNT = "{name: %s, host: smtp.example, username: u, password: planted-password, from: a@corp.example}"


def robots(*names: str, alias: str = "ops") -> str:
    items = ", ".join(f"{{name: {name}, url: '{URL}{name}'}}" for name in names)
    return f"  {alias}: {{platforms: {{feishu: {{webhooks: [{items}]}}}}}}\n"


def recipients(*entries: str) -> str:
    return "recipients:\n" + "".join(entries)


BASE = recipients(robots("a", "b"))


def differences(load_yaml: Load, old: str, new: str) -> list[tuple[str, str, str]]:
    changes = compare(load_yaml(old).settings, load_yaml(new).settings)
    assert "planted" not in repr(changes)
    return [(change.path, change.kind.value, change.effect.value) for change in changes]


def test_a_configuration_does_not_differ_from_itself(load_yaml: Load) -> None:
    assert differences(load_yaml, BASE, "# the same\n" + BASE) == []


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (recipients(robots("a", "b"), robots("a", alias="dev.team")), [("recipients.dev.team", "added")]),
        (recipients(robots("a", alias="dev")), [("recipients.ops", "removed"), ("recipients.dev", "added")]),
        (recipients(robots("a")), [("recipients.ops.platforms.feishu.b", "removed")]),
        (
            recipients(robots("a", "c")),
            [
                ("recipients.ops.platforms.feishu.b", "removed"),
                ("recipients.ops.platforms.feishu.c", "added"),
            ],
        ),
        (recipients(robots("b", "a")), [("recipients.ops.platforms.feishu (order)", "changed")]),
        (
            BASE.replace("platforms:", "name: 运维, platforms:"),
            [("recipients.ops.name", "changed")],
        ),
        (
            BASE.replace("token-a", "token-other"),
            [("recipients.ops.platforms.feishu.a", "changed")],
        ),
        (
            BASE.replace("feishu:", "system: {notifications: [{type: console}]}, feishu:"),
            [("recipients.ops.platforms.system", "added")],
        ),
    ],
)
def test_recipients_take_a_reload(load_yaml: Load, new: str, found: list[tuple[str, str]]) -> None:
    quoted = [(path.replace("dev.team", '"dev.team"'), kind, "reload") for path, kind in found]
    assert [
        (path.replace("'", '"'), kind, effect) for path, kind, effect in differences(load_yaml, BASE, new)
    ] == quoted


def test_the_order_of_channels_is_a_difference(load_yaml: Load) -> None:
    system, feishu = (
        "system: {notifications: [{type: console}]}",
        "feishu: {webhooks: [{url: 'https://x.example/'}]}",
    )
    one, other = (
        f"recipients: {{ops: {{platforms: {{{first}, {second}}}}}}}\n"
        for first, second in ((system, feishu), (feishu, system))
    )
    assert differences(load_yaml, one, other) == [("recipients.ops (order)", "changed", "reload")]


@pytest.mark.parametrize(
    ("section", "path", "effect"),
    [
        ("server: {port: 9}", "server.port", "restart"),
        ("server: {cors: ['https://ops.example']}", "server.cors", "reload"),
        ("server: {rate_limit: 5/s}", "server.rate_limit", "reload"),
        ("processes: {delivery: 3}", "processes.delivery", "restart"),
        ("storage: {durability: power}", "storage.durability", "restart"),
        ("queue: {timeout: 3}", "queue.timeout", "restart"),
        ("log: {level: debug}", "log.level", "restart"),
        ("system: {notifications: [{type: console}]}", "system", "restart"),
        ("smtp_relay: {max_age: 60}", "smtp_relay.max_age", "restart"),
        ("smtp_relay: {limits: {recipients: 5}}", "smtp_relay.limits.recipients", "restart"),
    ],
)
def test_settings_of_the_service_take_what_they_take(
    load_yaml: Load, section: str, path: str, effect: str
) -> None:
    assert [(found, needs) for found, _, needs in differences(load_yaml, BASE, f"{BASE}{section}\n")] == [
        (path, effect)
    ]


def test_numbers_and_switches_are_shown_and_texts_are_not(load_yaml: Load) -> None:
    old = load_yaml(BASE).settings
    new = load_yaml(BASE + "server: {port: 9, host: 127.0.0.1}\n").settings
    assert compare(old, new) == (
        Change("server.port", Kind.CHANGED, Effect.RESTART, "8080", "9"),
        Change("server.host", Kind.CHANGED, Effect.RESTART),
    )


def test_keys_take_a_reload_and_are_called_by_their_names(load_yaml: Load) -> None:
    def with_key(scope: str) -> str:
        digest = "ps_1a2b3c4d:sha256:" + "0" * 64
        return f"{BASE}auth: {{keys: [{{name: ci, hash: '{digest}', scopes: [{scope}]}}]}}\n"

    assert differences(load_yaml, with_key("push"), with_key("read")) == [
        ("auth.keys.ci", "changed", "reload")
    ]
    assert differences(load_yaml, BASE, with_key("read")) == [("auth.keys.ci", "added", "reload")]


def accounts(*names: str) -> str:
    items = ", ".join(ACCOUNT % name for name in names)
    return f"{BASE}smtp_relay: {{accounts: [{items}]}}\n"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (("a",), ("a", "b"), [("smtp_relay.accounts.b", "added", "reload")]),
        (("a", "b"), ("b",), [("smtp_relay.accounts.a", "removed", "reload")]),
        ((), ("a",), [("smtp_relay.accounts.a", "added", "restart")]),
        (("a",), (), [("smtp_relay.accounts.a", "removed", "restart")]),
    ],
)
def test_accounts_take_a_reload_but_for_the_first_and_the_last(
    load_yaml: Load, old: tuple[str, ...], new: tuple[str, ...], found: list[tuple[str, str, str]]
) -> None:
    assert differences(load_yaml, accounts(*old), accounts(*new)) == found


def test_digests_take_a_reload_also_where_everybodys_change(load_yaml: Load) -> None:
    assert differences(load_yaml, BASE, f"{BASE}digest: {{after: 9}}\n") == [
        ("digest.after", "changed", "reload"),
        ("recipients.ops.digest", "changed", "reload"),
    ]
