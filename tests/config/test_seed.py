"""The seed's chapter 配置说明, its three blocks put together, and the example that ships."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pushserver.config import Mail, Notice, Settings, Summary, Webhook, describe, load
from pushserver.config.document import Document
from pushserver.config.explain import section_in
from pushserver.config.kinds import Section
from pushserver.domain import PlatformName

SEED = Path(__file__).parent / "data" / "seed.yaml"
EXAMPLE = Path(__file__).parents[2] / "config" / "config.yaml.example"


@pytest.fixture(scope="module")
def seed() -> Settings:
    return load(SEED, {}).settings


def test_the_seed_loads_without_a_warning() -> None:
    assert load(SEED, {}).warnings == ()


def test_the_seed_amounts_to_what_it_shows(seed: Settings) -> None:
    assert describe(seed) == Summary(
        recipients=2,
        unreachable=0,
        channels={
            PlatformName.FEISHU: 2,
            PlatformName.DINGTALK: 1,
            PlatformName.WECHAT: 1,
            PlatformName.EMAIL: 2,
            PlatformName.SYSTEM: 1,
        },
        targets={
            PlatformName.FEISHU: 3,
            PlatformName.DINGTALK: 2,
            PlatformName.WECHAT: 1,
            PlatformName.EMAIL: 2,
            PlatformName.SYSTEM: 4,
        },
        system_notices=0,
        server=("0.0.0.0", 8080),
        relay=("0.0.0.0", 2525),
        relay_accounts=2,
        storage="sqlite",
    )


def test_the_seeds_channels_stand_in_its_order(seed: Settings) -> None:
    assert [channel.platform.value for channel in seed.recipients["ops_alert"].channels] == [
        "feishu",
        "dingtalk",
        "wechat",
        "email",
        "system",
    ]


def test_the_seeds_webhooks_have_their_url_secret_and_name(seed: Settings) -> None:
    channel = seed.recipients["ops_alert"].channel(PlatformName.FEISHU)
    assert channel is not None
    first, second = channel.targets
    assert isinstance(first, Webhook)
    assert first.platform is PlatformName.FEISHU
    assert first.name == "主告警机器人"
    assert first.url.get_secret_value() == "https://open.feishu.cn/open-apis/bot/v2/hook/xxx"
    assert first.secret.get_secret_value() == "your-secret"
    assert first.rate is None
    assert first.proxy is None
    assert second.name == "备用告警机器人"


def test_the_seeds_mailboxes_are_one_target(seed: Settings) -> None:
    channel = seed.recipients["ops_alert"].channel(PlatformName.EMAIL)
    assert channel is not None
    (mail,) = channel.targets
    assert isinstance(mail, Mail)
    assert mail.name == "email"
    assert [(box.email, box.name) for box in mail.mailboxes] == [
        ("admin@example.com", "系统管理员"),
        ("ops@example.com", "运维团队"),
    ]
    assert mail.smtp is not None
    assert (mail.smtp.host, mail.smtp.port, mail.smtp.username) == (
        "smtp.gmail.com",
        587,
        "your-email@gmail.com",
    )
    assert mail.smtp.password.get_secret_value() == "your-password"
    assert (mail.smtp.from_, mail.smtp.tls) == ("noreply@example.com", True)


def test_the_seeds_notices_keep_type_path_url_and_headers(seed: Settings) -> None:
    channel = seed.recipients["ops_alert"].channel(PlatformName.SYSTEM)
    assert channel is not None
    notices = [target for target in channel.targets if isinstance(target, Notice)]
    assert [(notice.type, notice.name) for notice in notices] == [
        ("console", "控制台通知"),
        ("file", "文件通知"),
        ("syslog", "系统日志"),
        ("http", "HTTP通知"),
    ]
    assert notices[1].path == "notifications/"
    assert notices[3].url.get_secret_value() == "http://localhost:9090/webhook/system-notify"
    assert notices[3].timeout == 10
    assert {name: value.get_secret_value() for name, value in notices[3].headers.items()} == {
        "Authorization": "Bearer your-token",
        "Content-Type": "application/json",
    }


def test_the_seeds_relay_has_its_user_and_accounts(seed: Settings) -> None:
    relay = seed.smtp_relay
    assert (relay.enabled, relay.port, relay.host) == (True, 2525, "0.0.0.0")
    assert relay.auth.username == "relay_user"
    assert relay.auth.password.get_secret_value() == "relay_pass"
    assert [(account.name, account.host, account.from_) for account in relay.accounts] == [
        ("Gmail账户1", "smtp.gmail.com", "noreply1@example.com"),
        ("QQ邮箱账户", "smtp.qq.com", "noreply2@example.com"),
    ]


def test_the_example_loads_in_an_empty_environment() -> None:
    assert load(EXAMPLE, {}).warnings == ()


def test_the_example_shows_the_defaults() -> None:
    example = load(EXAMPLE, {}).settings
    default = Settings(recipients={})
    for section in ("server", "log", "queue", "task", "notifications", "storage", "processes", "http"):
        assert getattr(example, section) == getattr(default, section)
    for key in ("enabled", "port", "host", "tls", "from_policy", "max_age", "limits", "accounts"):
        assert getattr(example.smtp_relay, key) == getattr(default.smtp_relay, key)


def test_the_example_names_every_key_there_is() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    missing = {key for key in _keys(Document) if f"{key}:" not in text}
    assert missing == set()


def _keys(section: type[Section]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield field.alias or name
        inner: Any = section_in(field.annotation)
        if inner is not None:
            yield from _keys(inner)


def test_the_seed_says_the_same_to_any_other_yaml_reader(seed: Settings) -> None:
    plain = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    for section in ("server", "log", "queue"):
        assert {key: getattr(getattr(seed, section), key) for key in plain[section]} == plain[section]
