"""``${NAME}`` in values, and variables over settings."""

import pytest

from pushserver.config import Loaded
from tests.config.loading import RECIPIENTS, Load

NAME = "recipients: {ops: {name: '%s'}}"


def name_in(loaded: Loaded) -> str:
    return loaded.settings.recipients["ops"].name


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("${TEAM}", "运维"),
        ("a ${TEAM} b ${TEAM}", "a 运维 b 运维"),
        ("${TEAM:-other}", "运维"),
        ("${NOBODY:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("x${EMPTY}y", "xy"),
        ("x${NOBODY:-}y", "xy"),
        ("$${TEAM}", "${TEAM}"),
        ("$$${TEAM}", "$${TEAM}"),
        ("$TEAM $ $$", "$TEAM $ $$"),
        ("${NOBODY:-a:-b}", "a:-b"),
        ("${REFERS}", "${TEAM}"),
    ],
)
def test_variables_are_filled_in(load_yaml: Load, written: str, meant: str) -> None:
    assert name_in(load_yaml(NAME % written, TEAM="运维", EMPTY="", REFERS="${TEAM}")) == meant


def test_variables_work_in_every_string_value_and_numbers_are_numbers(load_yaml: Load) -> None:
    text = """\
server: {port: "${PORT}"}
log: {compress: "${SQUEEZE}"}
recipients:
  ops:
    platforms:
      feishu:
        webhooks:
          - url: https://example.com/hook/${TOKEN}
            secret: ${SECRET:-}
"""
    settings = load_yaml(text, PORT="9000", SQUEEZE="off", TOKEN="t0k3n").settings
    assert settings.server.port == 9000
    assert settings.log.compress is False
    (webhook,) = settings.recipients["ops"].channels[0].targets
    assert webhook.url.get_secret_value() == "https://example.com/hook/t0k3n"  # type: ignore[union-attr]  # a Webhook


def test_variables_in_keys_are_left_alone(load_yaml: Load) -> None:
    loaded = load_yaml("recipients: {'${TEAM}': {name: '${TEAM}'}}", TEAM="ops")
    assert list(loaded.settings.recipients) == ["${TEAM}"]


def test_an_aliased_value_is_filled_in_once(load_yaml: Load) -> None:
    loaded = load_yaml("recipients: {a: &a {name: '$${X}'}, b: *a}", X="wrong")
    assert [recipient.name for recipient in loaded.settings.recipients.values()] == ["${X}", "${X}"]


def test_every_unset_variable_is_a_fault(load_yaml: Load) -> None:
    assert load_yaml.faults("recipients:\n  ops: {name: '${ONE}'}\n  dev: {name: '${TWO}'}\n") == [
        (
            "config.yaml:2: recipients.ops.name: found ${ONE}, which is not set in the environment, "
            "expected that variable, or a default as in ${ONE:-default}"
        ),
        (
            "config.yaml:3: recipients.dev.name: found ${TWO}, which is not set in the environment, "
            "expected that variable, or a default as in ${TWO:-default}"
        ),
    ]


@pytest.mark.parametrize("written", ["pa${ss", "${}", "${1X}", "${A B}", "${A-b}"])
def test_a_broken_reference_is_a_fault_that_does_not_repeat_the_text(load_yaml: Load, written: str) -> None:
    assert load_yaml.faults(NAME % written) == [
        (
            "config.yaml:1: recipients.ops.name: found ${ without a name and }, "
            "expected ${NAME} or ${NAME:-default}; write $${ for a literal ${"
        ),
    ]


def test_a_value_from_the_environment_is_not_repeated(load_yaml: Load) -> None:
    assert load_yaml.faults(f"server: {{port: '${{P}}'}}\n{RECIPIENTS}", P="hunter2") == [
        (
            "config.yaml:1: server.port: found another text in the environment, "
            "expected a whole number from 0 to 65535"
        ),
    ]


def test_a_variable_overrides_a_setting(load_yaml: Load) -> None:
    settings = load_yaml(
        f"server: {{port: 1}}\n{RECIPIENTS}",
        SERVER_PORT="9000",
        SERVER_HOST="::1",
        LOG_LEVEL="WARNING",
        QUEUE_TIMEOUT="2.5",
        TASK_MAX_AGE="60",
        STORAGE_URL="postgresql://db/push",
        SMTP_RELAY_FROM_POLICY="keep",
    ).settings
    assert (settings.server.port, settings.server.host) == (9000, "::1")
    assert settings.log.level == "warn"
    assert settings.queue.timeout == 2.5
    assert settings.task.max_age == 60
    assert settings.storage.url == "postgresql://db/push"
    assert settings.smtp_relay.from_policy == "keep"


def test_the_longer_name_wins(load_yaml: Load) -> None:
    loaded = load_yaml(RECIPIENTS, SERVER_PORT="1", PUSHSERVER_SERVER_PORT="2")
    assert loaded.settings.server.port == 2


def test_an_empty_variable_overrides_nothing(load_yaml: Load) -> None:
    assert load_yaml(f"server: {{port: 7}}\n{RECIPIENTS}", SERVER_PORT="").settings.server.port == 7


def test_an_empty_section_can_be_overridden(load_yaml: Load) -> None:
    assert load_yaml(f"server:\n{RECIPIENTS}", SERVER_PORT="7").settings.server.port == 7


def test_sections_beyond_the_six_are_not_overridden(load_yaml: Load) -> None:
    loaded = load_yaml(
        RECIPIENTS,
        HTTP_PROXY="http://proxy",
        PROCESSES_INLINE="true",
        SMTP_RELAY_ACCOUNTS="x",
    )
    assert loaded.settings.http.proxy is None
    assert loaded.settings.processes.inline is False
    assert loaded.settings.smtp_relay.accounts == ()


def test_what_kubernetes_sets_is_ignored_with_a_warning(load_yaml: Load) -> None:
    loaded = load_yaml(
        f"server: {{port: 7}}\n{RECIPIENTS}",
        SERVER_PORT="tcp://10.0.0.1:8080",
        PUSHSERVER_SERVER_PORT="tcp://10.0.0.1:8080",
    )
    assert loaded.settings.server.port == 7
    assert loaded.warnings == (
        "environment variable SERVER_PORT: ignored, a service address that Kubernetes sets",
        "environment variable PUSHSERVER_SERVER_PORT: ignored, a service address that Kubernetes sets",
    )


def test_an_impossible_override_names_the_variable(load_yaml: Load) -> None:
    assert load_yaml.faults(RECIPIENTS, PUSHSERVER_LOG_LEVEL="loud", SERVER_PORT="70000") == [
        (
            'environment variable SERVER_PORT: server.port: found "70000", '
            "expected a whole number from 0 to 65535"
        ),
        (
            'environment variable PUSHSERVER_LOG_LEVEL: log.level: found "loud", '
            "expected one of debug, info, warn, error"
        ),
    ]


def test_an_override_does_not_hide_a_section_of_the_wrong_kind(load_yaml: Load) -> None:
    (fault,) = load_yaml.faults(f"server: 8080\n{RECIPIENTS}", SERVER_PORT="1")
    assert fault.startswith("config.yaml:1: server: found a text, expected a mapping with port")


def test_a_misspelt_variable_of_ours_is_a_warning(load_yaml: Load) -> None:
    loaded = load_yaml(
        RECIPIENTS,
        PUSHSERVER_SERVER_PROT="1",
        PUSHSERVER_SERVICE_HOST="10.0.0.1",
        SERVER_PROT="1",
    )
    assert loaded.warnings == (
        'environment variable PUSHSERVER_SERVER_PROT: not a setting, did you mean "PUSHSERVER_SERVER_PORT"?',
    )


def test_a_list_of_networks_can_be_overridden_too(load_yaml: Load) -> None:
    loaded = load_yaml(RECIPIENTS, SERVER_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,::1")
    assert loaded.settings.server.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
