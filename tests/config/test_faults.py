"""What is wrong is said once, with file, line, path, what was found and what is expected."""

import pickle
from pathlib import Path

import pytest

from pushserver.config import ConfigError, Fault, Mail, load
from tests.config.loading import RECIPIENTS, Load

HOOK = "recipients: {ops: {platforms: {feishu: {webhooks: [%s]}}}}"
NOTICE = "recipients: {ops: {platforms: {system: {notifications: [%s]}}}}"
MAIL = "recipients: {ops: {platforms: {email: %s}}}"
WEBHOOK_PATH = "config.yaml:1: recipients.ops.platforms.feishu.webhooks[0]"
NOTICE_PATH = "config.yaml:1: recipients.ops.platforms.system.notifications[0]"
MAIL_PATH = "config.yaml:1: recipients.ops.platforms.email"


def test_all_faults_are_listed_in_the_order_of_the_file(load_yaml: Load) -> None:
    text = """\
server:
  port: 99999
  prot: 80
log:
  level: loud
recipients:
  ops:
    platforms:
      feishu:
        webhooks:
          - url: "ftp://example.com"
          - secret: x
smtp_relay:
  enabled: true
metrics: {}
"""
    assert load_yaml.faults(text) == [
        'config.yaml:2: server.port: found "99999", expected a whole number from 0 to 65535',
        (
            "config.yaml:3: server.prot: found an unknown key, expected one of port, host, mode, "
            "read_timeout, write_timeout, max_header_bytes, trusted_proxies, cors, rate_limit; "
            'did you mean "port"?'
        ),
        'config.yaml:5: log.level: found "loud", expected one of debug, info, warn, error',
        (
            "config.yaml:11: recipients.ops.platforms.feishu.webhooks[0].url: found a text that does not "
            "begin with http:// or https://, expected an http:// or https:// URL"
        ),
        (
            "config.yaml:12: recipients.ops.platforms.feishu.webhooks[1].url: found nothing, "
            "expected an http:// or https:// URL"
        ),
        (
            "config.yaml:13: smtp_relay.auth.username: found nothing, "
            "expected a text, because smtp_relay.enabled is on"
        ),
        (
            "config.yaml:13: smtp_relay.auth.password: found nothing, "
            "expected a text, because smtp_relay.enabled is on"
        ),
        (
            "config.yaml:15: metrics: found an unknown key, expected one of server, auth, log, queue, "
            "digest, breaker, task, notifications, storage, processes, http, smtp_relay, recipients, system"
        ),
    ]


@pytest.mark.parametrize(
    ("yaml", "fault"),
    [
        (
            "server: {port: http}",
            'server.port: found "http", expected a whole number from 0 to 65535',
        ),
        (
            "server: {port: 80.5}",
            'server.port: found "80.5", expected a whole number from 0 to 65535',
        ),
        (
            "server: {port: [80]}",
            "server.port: found a list, expected a whole number from 0 to 65535",
        ),
        (
            'server: {port: ""}',
            "server.port: found an empty text, expected a whole number from 0 to 65535",
        ),
        (
            "server: {mode: relase}",
            'server.mode: found "relase", expected one of debug, release, test; did you mean "release"?',
        ),
        (
            'server: {host: "localhost:80"}',
            "server.host: found a host with a port, expected a host name or IP address alone",
        ),
        (
            "server: {read_timeout: 0}",
            'server.read_timeout: found "0", expected a number of seconds from 0.1 to 86400',
        ),
        (
            "queue: {timeout: .inf}",
            'queue.timeout: found ".inf", expected a number of seconds from 0.1 to 600',
        ),
        (
            "queue: {timeout: nan}",
            'queue.timeout: found "nan", expected a number of seconds from 0.1 to 600',
        ),
        (
            "queue: {worker_count: 0}",
            'queue.worker_count: found "0", expected a whole number from 1 to 10000',
        ),
        (
            "queue: {retry_count: -1}",
            'queue.retry_count: found "-1", expected a whole number from 0 to 100',
        ),
        (
            "log: {compress: perhaps}",
            'log.compress: found "perhaps", expected true or false',
        ),
        (
            "log: file",
            (
                "log: found a text, expected a mapping with level, format, output, file_path, max_size, "
                "max_backups, max_age, compress"
            ),
        ),
        (
            "notifications: {max_count: 10001}",
            'notifications.max_count: found "10001", expected a whole number from 1 to 10000',
        ),
        (
            "storage: {url: data.db}",
            (
                "storage.url: found a text that is no such URL, "
                "expected the URL of an sqlite, postgresql, mysql or mariadb database"
            ),
        ),
        (
            "storage: {durability: disk}",
            'storage.durability: found "disk", expected one of process, power',
        ),
        (
            "processes: {gateway: 0}",
            "processes.gateway: found a text, expected auto or a whole number from 1 to 256",
        ),
        (
            "processes: {delivery: many}",
            "processes.delivery: found a text, expected auto or a whole number from 1 to 256",
        ),
        (
            "processes: {pin: sometimes}",
            'processes.pin: found "sometimes", expected one of auto, on, off',
        ),
        (
            'http: {proxy: "socks5://proxy"}',
            (
                "http.proxy: found a text that does not begin with http:// or https://, "
                "expected the http:// or https:// URL of a proxy"
            ),
        ),
        (
            "smtp_relay: {from_policy: rewrit}",
            (
                'smtp_relay.from_policy: found "rewrit", expected one of rewrite, envelope, keep; '
                'did you mean "rewrite"?'
            ),
        ),
        (
            "smtp_relay: {limits: {message_bytes: 25MB}}",
            'smtp_relay.limits.message_bytes: found "25MB", expected a whole number from 1024 to 1073741824',
        ),
        (
            "smtp_relay: {tls: {cert: a.pem}}",
            "smtp_relay.tls.key: found nothing, expected the path of a PEM file",
        ),
        (
            "smtp_relay: {accounts: [{host: mail.example.com}]}",
            (
                "smtp_relay.accounts[0].from: found nothing, "
                "expected the sender's address, like noreply@example.com"
            ),
        ),
        (
            "smtp_relay: {accounts: [{from: a@example.com}]}",
            "smtp_relay.accounts[0].host: found nothing, expected the mail server's host name",
        ),
        (
            "smtp_relay: {accounts: [{host: h, username: a@example.com}]}",
            "smtp_relay.accounts[0].password: found nothing, expected a text, because there is a username",
        ),
        (
            (
                "smtp_relay: {accounts: [{name: a, host: h, from: a@example.com}, "
                "{name: a, host: h, from: b@example.com}]}"
            ),
            (
                "smtp_relay.accounts[1].name: found the name of item 1 again, "
                "expected a name of its own for every item of the list"
            ),
        ),
        (
            "system: {notifications: [{type: mail}]}",
            'system.notifications[0].type: found "mail", expected one of console, file, syslog, http',
        ),
        (
            "system: {notifications: {type: console}}",
            "system.notifications: found a mapping, expected a list",
        ),
        (
            "queue: {workercount: 5}",
            (
                "queue.workercount: found an unknown key, expected one of worker_count, buffer_size, "
                "timeout, max_concurrent_per_platform, batch_size, retry_count, retry_delay, max_wait, "
                'reserve; did you mean "worker_count"?'
            ),
        ),
    ],
)
def test_a_setting_that_cannot_be_is_a_fault(load_yaml: Load, yaml: str, fault: str) -> None:
    assert load_yaml.faults(f"{yaml}\n{RECIPIENTS}") == [f"config.yaml:1: {fault}"]


@pytest.mark.parametrize(
    ("webhook", "fault"),
    [
        ("{}", ".url: found nothing, expected an http:// or https:// URL"),
        ("{url: ''}", ".url: found an empty text, expected an http:// or https:// URL"),
        ("{url: 'https:///hook'}", ".url: found a URL without a host, expected an http:// or https:// URL"),
        (
            "{url: 'https://h:99999/hook'}",
            ".url: found a URL with an impossible host or port, expected an http:// or https:// URL",
        ),
        (
            "{url: 'https://h/a b'}",
            ".url: found a URL with blanks or control characters, expected an http:// or https:// URL",
        ),
        (
            "{url: 'https://h/', name: ' '}",
            ".name: found a blank text, expected a name of 1 to 100 characters on one line",
        ),
        (
            "{url: 'https://h/', name: ''}",
            ".name: found an empty text, expected a name of 1 to 100 characters on one line",
        ),
        (
            "{url: 'https://h/', name: %s}" % ("机" * 101),
            ".name: found a text of 101 characters, expected a name of 1 to 100 characters on one line",
        ),
        (
            r'{url: "https://h/", name: "a\nb"}',
            ".name: found a text with control characters, expected a name of 1 to 100 characters on one line",
        ),
        (
            "{url: 'https://h/', rate: 5/week}",
            '.rate: found a rate with an unknown unit, expected rates like ["5/s", "90/min"], or off',
        ),
        (
            "{url: 'https://h/', rate: [fast]}",
            '.rate: found a text that is no rate, expected rates like ["5/s", "90/min"], or off',
        ),
        (
            "{url: 'https://h/', rate: []}",
            '.rate: found an empty list, expected rates like ["5/s", "90/min"], or off',
        ),
        (
            "{url: 'https://h/', rate: {5: s}}",
            '.rate: found a mapping, expected rates like ["5/s", "90/min"], or off',
        ),
        ("https://h/", ": found a text, expected a mapping with url, secret, name, rate, reserve, proxy"),
        (
            "{url: 'https://h/', secrt: x}",
            (
                ".secrt: found an unknown key, expected one of url, secret, name, rate, reserve, proxy; "
                'did you mean "secret"?'
            ),
        ),
    ],
)
def test_a_webhook_that_cannot_be_is_a_fault(load_yaml: Load, webhook: str, fault: str) -> None:
    assert load_yaml.faults(HOOK % webhook) == [WEBHOOK_PATH + fault]


def test_doubled_names_in_a_channel_are_a_fault_also_where_one_is_the_default(load_yaml: Load) -> None:
    webhooks = "{url: 'https://h/1'}, {url: 'https://h/2', name: feishu-1}"
    assert load_yaml.faults(HOOK % webhooks) == [
        (
            "config.yaml:1: recipients.ops.platforms.feishu.webhooks[1].name: found the name of item 1 "
            "again, expected a name of its own for every item of the list"
        ),
    ]


def test_the_same_name_in_two_channels_is_fine(load_yaml: Load) -> None:
    loaded = load_yaml(
        "recipients: {ops: {platforms: {feishu: {webhooks: [{url: 'https://h/1', name: a}]}, "
        "wechat: {webhooks: [{url: 'https://h/2', name: a}]}}}}",
    )
    assert len(loaded.settings.recipients["ops"].channels) == 2


@pytest.mark.parametrize(
    ("notice", "fault"),
    [
        ("{}", ".type: found nothing, expected one of console, file, syslog, http"),
        ("{type: http}", ".url: found nothing, expected an http:// or https:// URL"),
        (
            "{type: http, url: 'http://h/', headers: {'a b': c}}",
            (
                '.headers."a b": found a key that is a name with characters that HTTP does not allow, '
                "expected letters, digits and hyphens"
            ),
        ),
        (
            r'{type: http, url: "http://h/", headers: {X: "a\r\nb"}}',
            (
                ".headers.X: found a value with characters that HTTP does not allow, "
                "expected one line of plain text"
            ),
        ),
        (
            "{type: http, url: 'http://h/', timeout: -1}",
            '.timeout: found "-1", expected a number of seconds from 0.1 to 600',
        ),
    ],
)
def test_a_notice_that_cannot_be_is_a_fault(load_yaml: Load, notice: str, fault: str) -> None:
    assert load_yaml.faults(NOTICE % notice) == [NOTICE_PATH + fault]


@pytest.mark.parametrize(
    ("email", "fault"),
    [
        (
            "{smtp: {host: h, from: a@example.com}, recipients: [{name: x}]}",
            ".recipients[0].email: found nothing, expected a mail address like ops@example.com",
        ),
        (
            "{smtp: {host: h, from: a@example.com}, recipients: [{email: 'a@example.com, b@example.com'}]}",
            (
                ".recipients[0].email: found a text that is no bare mail address, "
                "expected a mail address like ops@example.com"
            ),
        ),
        (
            "{smtp: {host: h, from: 'Ops <a@example.com>'}}",
            (
                ".smtp.from: found a text that is no bare mail address, "
                "expected a mail address like ops@example.com"
            ),
        ),
        ("{smtp: {from: a@example.com}}", ".smtp.host: found nothing, expected the mail server's host name"),
        (
            "{smtp: {host: h, from: a@example.com, port: ssl}}",
            '.smtp.port: found "ssl", expected a whole number from 1 to 65535',
        ),
    ],
)
def test_a_mail_channel_that_cannot_be_is_a_fault(load_yaml: Load, email: str, fault: str) -> None:
    assert load_yaml.faults(MAIL % email) == [MAIL_PATH + fault]


def test_a_mail_channel_without_any_way_to_send_is_a_fault(load_yaml: Load) -> None:
    assert load_yaml.faults(MAIL % "{recipients: [{email: a@example.com}]}") == [
        MAIL_PATH + ".smtp: found nothing, expected either a mail server here or smtp_relay.accounts",
    ]


def test_the_relays_accounts_send_for_a_mail_channel_without_a_server(load_yaml: Load) -> None:
    text = MAIL % "{recipients: [{email: a@example.com}]}"
    accounts = "smtp_relay: {accounts: [{host: h, from: b@example.com}]}"
    settings = load_yaml(f"{text}\n{accounts}").settings
    (channel,) = settings.recipients["ops"].channels
    (target,) = channel.targets
    assert isinstance(target, Mail)
    assert target.smtp is None
    assert [account.from_ for account in settings.relay_accounts] == ["b@example.com"]


def test_what_is_switched_off_may_be_incomplete(load_yaml: Load) -> None:
    loaded = load_yaml(
        """\
smtp_relay:
  enabled: off
  accounts: [{enabled: false}]
recipients:
  ops:
    platforms:
      feishu: {enabled: false, webhooks: [{url: ""}]}
      email: {enabled: no, recipients: [{email: ""}]}
      system: {notifications: [{type: http, enabled: False}, {type: console}]}
""",
    )
    (channel,) = loaded.settings.recipients["ops"].channels
    assert [target.name for target in channel.targets] == ["console-2"]


@pytest.mark.parametrize(
    ("alias", "found", "shown"),
    [
        ('""', "an empty text", '""'),
        ('"  "', "a blank text", '"  "'),
        (r'"a\tb"', "a text with control characters", r'"a\tb"'),
        (r'"a\u2028b"', "a text with control characters", r'"a\u2028b"'),
        ("x" * 201, "a text of 201 characters", "<a key of 201 characters>"),
    ],
)
def test_an_alias_that_nobody_could_type_is_a_fault(
    load_yaml: Load,
    alias: str,
    found: str,
    shown: str,
) -> None:
    assert load_yaml.faults(f"recipients:\n  ? {alias}\n  : {{}}\n") == [
        (
            f"config.yaml:2: recipients.{shown}: found a key that is {found}, "
            "expected an alias of 1 to 200 characters on one line"
        ),
    ]


def test_an_alias_with_dots_is_quoted_in_the_path(load_yaml: Load) -> None:
    assert load_yaml.faults("recipients: {a.b: {nam: x}}") == [
        (
            'config.yaml:1: recipients."a.b".nam: found an unknown key, expected one of name, digest, '
            'platforms; did you mean "name"?'
        ),
    ]


def test_an_alias_named_like_a_key_does_not_confuse_the_path(load_yaml: Load) -> None:
    assert load_yaml.faults("recipients: {name: {platforms: {fieshu: {}}}, platforms: [x]}") == [
        (
            "config.yaml:1: recipients.name.platforms.fieshu: found an unknown key, "
            'expected one of feishu, dingtalk, wechat, email, system; did you mean "feishu"?'
        ),
        "config.yaml:1: recipients.platforms: found a list, expected a mapping with name, digest, platforms",
    ]


@pytest.mark.parametrize("recipients", ["", "recipients:\n"])
def test_recipients_have_no_default(load_yaml: Load, recipients: str) -> None:
    line = ":2" if recipients else ""
    assert load_yaml.faults(f"server: {{}}\n{recipients}") == [
        f"config.yaml{line}: recipients: found nothing, expected a mapping of recipients",
    ]


def test_a_missing_value_is_placed_where_it_should_stand(load_yaml: Load) -> None:
    (fault,) = load_yaml.faults(
        "recipients:\n  ops:\n    platforms:\n      feishu:\n        webhooks:\n          - name: a\n",
    )
    assert fault.startswith("config.yaml:6: recipients.ops.platforms.feishu.webhooks[0].url: found nothing")


def test_a_fault_holds_its_parts_and_survives_a_change_of_process(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"server: {{mode: tset}}\n{RECIPIENTS}")
    with pytest.raises(ConfigError) as raised:
        load(path, {})
    error = pickle.loads(pickle.dumps(raised.value))
    assert error.faults == (
        Fault(
            str(path),
            1,
            "server.mode",
            '"tset"',
            "one of debug, release, test",
            'did you mean "test"?',
        ),
    )
    assert str(error) == str(raised.value)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("[10.0.0.0/8, nginx]", "entry 2, which is no address and no network"),
        ("[10.0.0.1/8]", "entry 1, whose address does not fit its prefix length"),
        ("['*']", "entry 1, which is no address and no network"),
        ("{a: b}", "a mapping"),
    ],
)
def test_trusted_proxies_are_addresses_and_networks(load_yaml: Load, written: str, found: str) -> None:
    (fault,) = load_yaml.faults(f"server: {{trusted_proxies: {written}}}\nrecipients: {{}}\n")
    assert f"server.trusted_proxies: found {found}, expected addresses and networks like 10.0.0.0/8" in fault
