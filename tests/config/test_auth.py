"""``auth.keys``, ``server.cors`` and ``server.rate_limit``."""

import pytest

from pushserver.config import ApiKey, Rate, Scope
from pushserver.config.api_key import digest_in, digest_of, hash_of, is_hash, new_key, prefix_of
from tests.config.loading import RECIPIENTS, Load

KEY = "ps_1a2b3c4d_" + "0" * 40
HASH = "ps_1a2b3c4d:sha256:3e3e0e6a0b2e3e8e0000000000000000000000000000000000000000000000ff"


def keys(*entries: str) -> str:
    return RECIPIENTS + "auth:\n  keys:\n" + "".join(f"    - {entry}\n" for entry in entries)


def test_a_key_has_a_part_that_may_be_shown_and_160_bits_of_chance() -> None:
    asked: list[int] = []

    def token(count: int) -> str:
        asked.append(count)
        return "ab" * count

    assert new_key(token) == "ps_abababab_" + "ab" * 20
    assert asked == [4, 20]


def test_keys_differ() -> None:
    assert len({new_key() for _ in range(100)}) == 100


def test_a_hash_names_the_key_and_does_not_hold_it() -> None:
    hashed = hash_of(KEY)
    assert hashed == ("ps_1a2b3c4d:sha256:b6082926508ed2be4c2a2141120b91ad88de8203e1eb430906ccafbbdaa0fbe8")
    assert (prefix_of(KEY), prefix_of(hashed)) == ("ps_1a2b3c4d", "ps_1a2b3c4d")
    assert digest_in(hashed) == digest_of(KEY)
    assert is_hash(hashed)
    assert not is_hash(KEY)


def test_keys_are_read(load_yaml: Load) -> None:
    text = keys(
        f"{{name: monitoring, hash: '{HASH}', scopes: [push, read, push], recipients: [ops]}}",
        f"{{name: 运维, hash: '{hash_of(KEY)}', scopes: operate}}",
    )
    assert load_yaml(text).settings.auth.keys == (
        ApiKey(name="monitoring", hash=HASH, scopes=(Scope.PUSH, Scope.READ), recipients=("ops",)),
        ApiKey(name="运维", hash=hash_of(KEY), scopes=(Scope.OPERATE,)),
    )


def test_without_the_section_there_are_none(load_yaml: Load) -> None:
    assert load_yaml(RECIPIENTS).settings.auth.keys == ()


def test_whatever_stands_for_a_hash_is_not_shown(load_yaml: Load) -> None:
    text = keys(f"{{name: a, hash: '{KEY}', scopes: [push]}}")
    (fault,) = load_yaml.faults(text)
    assert fault == (
        "config.yaml:4: auth.keys[0].hash: found a text that is no such hash, "
        "expected a hash that `pushserver key new` has printed"
    )
    shown = repr(load_yaml(keys(f"{{name: a, hash: '{HASH}', scopes: [push]}}")).settings)
    assert HASH not in shown


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (
            "{name: a, scopes: [push]}",
            "keys[0].hash: found nothing, expected what `pushserver key new` prints",
        ),
        (
            f"{{hash: '{HASH}', scopes: [push]}}",
            "keys[0].name: found nothing, expected a name that logs call the key by",
        ),
        (
            f"{{name: a, hash: '{HASH}'}}",
            "keys[0].scopes: found nothing, expected a list of push, read, operate",
        ),
        (
            f"{{name: a, hash: '{HASH}', scopes: []}}",
            "keys[0].scopes: found an empty list, expected a list of push, read, operate",
        ),
        (
            f"{{name: a, hash: '{HASH}', scopes: [admin]}}",
            "keys[0].scopes: found something else, expected a list of push, read, operate",
        ),
        (
            f"{{name: a, hash: '{HASH}', scopes: [push], recipients: []}}",
            "keys[0].recipients: found an empty list, expected a list of recipients' aliases",
        ),
        (
            f"{{name: a, hash: '{HASH}', scopes: [push], recipients: [ops, opps]}}",
            "keys[0].recipients[1]: found an alias that is not configured, expected a key of recipients",
        ),
    ],
)
def test_what_is_wrong_with_a_key_is_said(load_yaml: Load, entry: str, fault: str) -> None:
    assert [line.partition("auth.")[2] for line in load_yaml.faults(keys(entry))] == [fault]


def test_names_and_hashes_are_one_keys_own(load_yaml: Load) -> None:
    entry = f"{{name: a, hash: '{HASH}', scopes: [push]}}"
    assert load_yaml.faults(keys(entry, entry)) == [
        (
            "config.yaml:5: auth.keys[1].name: found the name of item 1 again, "
            "expected a name of its own for every item of the list"
        ),
        (
            "config.yaml:5: auth.keys[1].hash: found the hash of item 1 again, "
            "expected a hash of its own for every item of the list"
        ),
    ]


def test_keys_may_come_from_the_environment(load_yaml: Load) -> None:
    loaded = load_yaml(keys("{name: a, hash: '${HASH}', scopes: [push]}"), HASH=HASH)
    assert loaded.settings.auth.keys[0].hash == HASH


@pytest.mark.parametrize(
    ("auth", "host", "anybody"),
    [
        ("", "0.0.0.0", True),
        ("", "192.0.2.1", True),
        ("", "push.example", True),
        ("", "127.0.0.1", False),
        ("", "'[::1]'", False),
        ("", "localhost", False),
        ("auth", "0.0.0.0", False),
    ],
)
def test_the_door_stands_open_without_keys_and_beyond_this_machine(
    load_yaml: Load, auth: str, host: str, *, anybody: bool
) -> None:
    text = keys(f"{{name: a, hash: '{HASH}', scopes: [push]}}") if auth else RECIPIENTS
    assert load_yaml(f"{text}server: {{host: {host}}}\n").settings.anybody_may_push is anybody


# Origins and rates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "origins"),
    [
        (
            "['https://ops.example', 'http://localhost:3000']",
            ("https://ops.example", "http://localhost:3000"),
        ),
        ("'https://a.example, https://b.example'", ("https://a.example", "https://b.example")),
        ("'*'", ("*",)),
        ("[]", ()),
    ],
)
def test_origins_are_read(load_yaml: Load, written: str, origins: tuple[str, ...]) -> None:
    assert load_yaml(f"{RECIPIENTS}server: {{cors: {written}}}\n").settings.server.cors == origins


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("['https://ops.example/']", "a text that is no origin"),
        ("['https://ops.example/page']", "a text that is no origin"),
        ("[ops.example]", "a text that does not begin with http:// or https://"),
        ("{a: b}", "a mapping"),
    ],
)
def test_what_browsers_would_never_send_is_a_fault(load_yaml: Load, written: str, found: str) -> None:
    assert load_yaml.faults(f"{RECIPIENTS}server: {{cors: {written}}}\n") == [
        (
            f"config.yaml:2: server.cors: found {found}, "
            "expected a list of origins like https://ops.example.com, or of * alone"
        )
    ]


@pytest.mark.parametrize(
    ("written", "rates"),
    [("off", ()), ("5/s", (Rate(5, 1.0),)), ("['5/s', '90/min']", (Rate(5, 1.0), Rate(90, 60.0)))],
)
def test_rates_of_clients_are_read(load_yaml: Load, written: str, rates: tuple[Rate, ...]) -> None:
    loaded = load_yaml(f"{RECIPIENTS}server: {{rate_limit: {written}}}\n")
    assert loaded.settings.server.rate_limit == rates


def test_a_rate_that_is_none_is_a_fault(load_yaml: Load) -> None:
    assert load_yaml.faults(f"{RECIPIENTS}server: {{rate_limit: often}}\n") == [
        (
            "config.yaml:2: server.rate_limit: found a text that is no rate, "
            'expected rates like ["50/s", "600/min"], or off'
        )
    ]
