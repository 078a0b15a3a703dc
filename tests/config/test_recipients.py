"""Recipients, channels and targets as the service reads them."""

import pytest

from pushserver.config import Mail, Notice, Rate, Recipient, Webhook
from pushserver.domain import PlatformName
from tests.config.loading import Load


def recipient(load_yaml: Load, platforms: str) -> Recipient:
    return load_yaml(f"recipients: {{ops: {{platforms: {platforms}}}}}").settings.recipients["ops"]


def names(recipient: Recipient) -> list[tuple[str, list[str]]]:
    return [
        (channel.platform.value, [target.name for target in channel.targets])
        for channel in recipient.channels
    ]


def test_channels_stand_in_the_order_of_the_file(load_yaml: Load) -> None:
    found = recipient(
        load_yaml,
        "{wechat: {webhooks: [{url: 'http://h/'}]}, system: {notifications: [{type: console}]}, "
        "dingtalk: {webhooks: [{url: 'http://h/'}]}, feishu: {webhooks: [{url: 'http://h/'}]}}",
    )
    assert names(found) == [
        ("wechat", ["wechat-1"]),
        ("system", ["console-1"]),
        ("dingtalk", ["dingtalk-1"]),
        ("feishu", ["feishu-1"]),
    ]


def test_unnamed_targets_are_called_after_their_position(load_yaml: Load) -> None:
    found = recipient(
        load_yaml,
        "{feishu: {webhooks: [{url: 'http://h/1'}, {url: 'http://h/2', name: 二}, {url: 'http://h/3'}]}, "
        "system: {notifications: [{type: console, enabled: off}, {type: file}]}}",
    )
    assert names(found) == [("feishu", ["feishu-1", "二", "feishu-3"]), ("system", ["file-2"])]


def test_a_channel_that_is_off_or_empty_does_not_exist(load_yaml: Load) -> None:
    found = recipient(
        load_yaml,
        "{feishu: {enabled: false, webhooks: [{url: 'http://h/'}]}, dingtalk: {webhooks: []}, wechat: {}, "
        "email: {smtp: {host: h, from: a@example.com}}, "
        "system: {notifications: [{type: console, enabled: false}]}}",
    )
    assert found.channels == ()
    assert found.channel(PlatformName.FEISHU) is None


def test_a_recipient_without_a_usable_channel_is_only_a_warning(load_yaml: Load) -> None:
    loaded = load_yaml("recipients:\n  a.b:\n  c: {platforms: {}}\n  d: {platforms: }\n")
    assert [(r.alias, r.name, r.channels) for r in loaded.settings.recipients.values()] == [
        ("a.b", "a.b", ()),
        ("c", "c", ()),
        ("d", "d", ()),
    ]
    assert loaded.warnings == (
        'recipients."a.b": no usable channel, every push to it will be refused',
        "recipients.c: no usable channel, every push to it will be refused",
        "recipients.d: no usable channel, every push to it will be refused",
    )


def test_no_recipients_at_all_is_only_a_warning(load_yaml: Load) -> None:
    assert load_yaml("recipients: {}").warnings == ("recipients: none, every push will be refused",)


def test_a_relay_without_accounts_is_only_a_warning(load_yaml: Load) -> None:
    loaded = load_yaml(
        "recipients: {a: {platforms: {system: {notifications: [{type: console}]}}}}\n"
        "smtp_relay: {enabled: true, auth: {username: u, password: p}, accounts: [{enabled: no}]}",
    )
    assert loaded.warnings == (
        "smtp_relay: enabled without accounts, accepted mail will wait until there is one",
    )
    assert not loaded.settings.relay_accounts_configured


def test_relay_accounts_count_while_the_relay_is_off(load_yaml: Load) -> None:
    settings = load_yaml(
        "recipients: {}\n"
        "smtp_relay: {accounts: [{enabled: no}, {host: h, username: me@example.com, password: p}]}",
    ).settings
    (account,) = settings.relay_accounts
    assert settings.relay_accounts_configured
    assert (account.name, account.from_, account.weight, account.connections) == (
        "account-2",
        "me@example.com",
        1,
        4,
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("['5/s', '90/min']", (Rate(5, 1), Rate(90, 60))),
        ("18/min", (Rate(18, 60),)),
        ("1000 / hour", (Rate(1000, 3600),)),
        ("off", ()),
        ("'off'", ()),
        ("false", ()),
        ("", None),
    ],
)
def test_rates(load_yaml: Load, written: str, meant: tuple[Rate, ...] | None) -> None:
    found = recipient(load_yaml, f"{{feishu: {{webhooks: [{{url: 'http://h/', rate: {written}}}]}}}}")
    (webhook,) = found.channels[0].targets
    assert isinstance(webhook, Webhook)
    assert webhook.rate == meant


def test_a_webhook_may_have_its_own_proxy(load_yaml: Load) -> None:
    found = recipient(
        load_yaml,
        "{feishu: {webhooks: [{url: 'http://h/', proxy: 'http://p:3128'}, {url: 'http://h/', proxy: ''}]}}",
    )
    targets = found.channels[0].targets
    assert [target.proxy for target in targets if isinstance(target, Webhook)] == ["http://p:3128", None]


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9000/hook",
        "https://[::1]:8443/hook",
        "http://user:pass@example.com/",
        "https://例え.example/路径?x=1#y",
        "HTTP://EXAMPLE.COM",
    ],
)
def test_urls_that_work_are_taken(load_yaml: Load, url: str) -> None:
    found = recipient(load_yaml, f"{{feishu: {{webhooks: [{{url: '{url}'}}]}}}}")
    (webhook,) = found.channels[0].targets
    assert isinstance(webhook, Webhook)
    assert webhook.url.get_secret_value() == url


def test_all_mailboxes_are_one_target_and_a_doubled_one_is_one_reader(load_yaml: Load) -> None:
    found = recipient(
        load_yaml,
        "{email: {smtp: {host: h, username: me@example.com, password: p}, recipients: "
        "[{email: a@example.com, name: A}, {email: b@example.com}, {email: a@example.com}]}}",
    )
    (mail,) = found.channels[0].targets
    assert isinstance(mail, Mail)
    assert mail.name == "email"
    assert [(box.email, box.name) for box in mail.mailboxes] == [
        ("a@example.com", "A"),
        ("b@example.com", ""),
    ]
    assert mail.smtp is not None
    assert mail.smtp.from_ == "me@example.com"


def test_the_system_block_holds_the_notices_that_are_on(load_yaml: Load) -> None:
    settings = load_yaml(
        "recipients: {}\n"
        "system: {notifications: [{type: console, enabled: off}, {type: file, path: /var/n}]}",
    ).settings
    assert settings.system is not None
    (notice,) = settings.system.notifications
    assert isinstance(notice, Notice)
    assert (notice.type, notice.name, notice.path, notice.timeout) == ("file", "file-2", "/var/n", 10)


@pytest.mark.parametrize(
    "block",
    ["", "system:", "system: {enabled: false, notifications: [{type: console}]}"],
)
def test_a_system_block_that_is_off_does_not_exist(load_yaml: Load, block: str) -> None:
    assert load_yaml(f"recipients: {{}}\n{block}").settings.system is None
