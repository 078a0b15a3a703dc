import json
import logging
import pickle
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pushserver.config import (
    Channel,
    HttpSettings,
    Mail,
    Mailbox,
    Notice,
    Recipient,
    RelayAccount,
    RelayAuth,
    RelaySettings,
    Settings,
    SmtpAccount,
    StorageSettings,
    SystemSettings,
    Webhook,
)
from pushserver.domain import PlatformName
from pushserver.logs import Redactor
from pushserver.logs.line import JsonLine, TextLine
from pushserver.logs.secrets import hosts_of, secrets_of
from tests.logs.parts import DINGTALK_TOKEN, FEISHU_TOKEN, failing_record, record

FEISHU_URL = f"https://open.feishu.cn/open-apis/bot/v2/hook/{FEISHU_TOKEN}"
DINGTALK_URL = f"https://oapi.dingtalk.com/robot/send?access_token={DINGTALK_TOKEN}"
SECRETS = {
    FEISHU_TOKEN,
    DINGTALK_TOKEN,
    "SECplanted0123456789",
    'p@ss "w0rd\\1',
    "mail-password-1",
    "planted-bearer-77",
    "Bearer planted-bearer-77",
    "relay-password-2",
    "account-password-3",
    "proxy-password-4",
    "database-password-5",
    "short",
    "notice-token-6",
}


@pytest.fixture
def everything() -> Settings:
    """A configuration with a secret wherever there can be one."""
    feishu = Webhook(
        platform=PlatformName.FEISHU,
        name="a",
        url=SecretStr(FEISHU_URL),
        secret=SecretStr("SECplanted0123456789"),
        proxy="http://me:proxy-password-4@proxy.example:3128",
    )
    dingtalk = Webhook(
        platform=PlatformName.DINGTALK,
        name="b",
        url=SecretStr(DINGTALK_URL),
        secret=SecretStr('p@ss "w0rd\\1'),
    )
    mail = Mail(
        smtp=SmtpAccount(host="smtp.example", username="u", password=SecretStr("mail-password-1")),
        mailboxes=(Mailbox(email="ops@example.com"),),
    )
    notice = Notice(
        type="http",
        name="n",
        url=SecretStr("http://localhost:9090/webhook/notice-token-6"),
        headers={"Authorization": SecretStr("Bearer planted-bearer-77")},
    )
    channels = (
        Channel(platform=PlatformName.FEISHU, targets=(feishu,)),
        Channel(platform=PlatformName.DINGTALK, targets=(dingtalk,)),
        Channel(platform=PlatformName.EMAIL, targets=(mail,)),
    )
    return Settings(
        storage=StorageSettings(url="postgresql://me:database-password-5@db.example/pushes"),
        http=HttpSettings(proxy=None),
        smtp_relay=RelaySettings(
            auth=RelayAuth(username="relay_user", password=SecretStr("relay-password-2")),
            accounts=(RelayAccount(name="x", host="h", password=SecretStr("account-password-3")),),
        ),
        recipients={"ops": Recipient(alias="ops", name="ops", channels=channels)},
        system=SystemSettings(notifications=(notice,)),
    )


def test_every_secret_of_a_configuration_is_found(everything: Settings) -> None:
    assert {secret for secret in secrets_of(everything) if secret} == SECRETS - {"short"}


def test_the_hosts_are_those_of_secret_urls_only(everything: Settings) -> None:
    assert hosts_of(everything) == {"open.feishu.cn", "oapi.dingtalk.com", "localhost:9090"}


@pytest.mark.parametrize("secret", sorted(SECRETS - {"short"}))
@pytest.mark.parametrize("around", ["{}", "密钥{}无效", "token={},", "x: {}\n", "'{}'", "({})"])
def test_each_is_hidden_wherever_it_stands(everything: Settings, secret: str, around: str) -> None:
    shown = Redactor.of(everything).hide(around.format(secret))
    assert secret not in shown
    assert "***" in shown


@pytest.mark.parametrize("secret", sorted(SECRETS - {"short"}))
@pytest.mark.parametrize("line", [JsonLine, TextLine])
@pytest.mark.parametrize("where", ["message", "argument", "field", "nested", "key", "trace"])
def test_no_part_of_a_record_shows_a_planted_secret(
    everything: Settings, secret: str, line: type[JsonLine] | type[TextLine], where: str
) -> None:
    made = {
        "message": record(f"refused: {secret}"),
        "argument": record("refused: %s", logging.INFO, secret),
        "field": record("refused", error=secret),
        "nested": record("refused", errors=[{"reason": f"it was {secret}"}]),
        "key": record("refused", errors={secret: 1}),
        "trace": failing_record(ValueError(f"bad {secret}")),
    }[where]
    shown = line(Redactor.of(everything))(made)
    assert secret not in shown
    assert json.dumps(secret)[1:-1] not in shown
    assert "***" in shown


def test_an_echo_in_percent_encoding_is_hidden_too() -> None:
    secret = "p+/ss w0rd=="
    redactor = Redactor([secret])
    assert redactor.hide(f"sign={quote(secret, safe='')}&x") == "sign=***&x"
    assert Redactor([quote(secret, safe="")]).hide(f"it was {secret}!") == "it was ***!"


def test_a_secret_that_was_quoted_on_its_way_is_hidden_too() -> None:
    secret = 'back\\slash "and" more'
    redactor = Redactor([secret])
    assert redactor.hide(f"KeyError: {secret!r}") == "KeyError: '***'"
    assert redactor.hide(json.dumps({"error": secret})) == '{"error": "***"}'


@pytest.mark.parametrize("token", ["x", "dev", FEISHU_TOKEN])
def test_of_a_webhooks_url_only_the_host_is_shown_however_short_its_token(token: str) -> None:
    redactor = Redactor(hosts=["open.feishu.cn"])
    text = f"POST https://open.feishu.cn/hook/{token}?a={token} failed, see https://docs.example/help"
    assert redactor.hide(text) == "POST https://open.feishu.cn/*** failed, see https://docs.example/help"
    assert redactor.hide(f"HTTPS://me:pw@OPEN.feishu.cn/{token}") == "HTTPS://OPEN.feishu.cn/***"


def test_a_short_secret_does_not_shred_the_log() -> None:
    redactor = Redactor(["dev", "a", "", "test"])
    assert redactor.hide("dev_team test a message") == "dev_team test a message"


def test_a_password_that_is_part_of_a_longer_word_leaves_that_word_alone() -> None:
    redactor = Redactor(["secret"])
    assert redactor.hide("secrets are kept; secret") == "secrets are kept; ***"


def test_a_long_token_is_found_inside_a_longer_word() -> None:
    assert Redactor([DINGTALK_TOKEN]).hide(f"x{DINGTALK_TOKEN}y") == "x***y"


def test_overlapping_secrets_become_one_mask() -> None:
    redactor = Redactor(["alpha-bravo-charlie", "charlie-delta-echo"])
    assert redactor.hide("<alpha-bravo-charlie-delta-echo>") == "<***>"


def test_secrets_without_words_are_found_too() -> None:
    redactor = Redactor(["!§$%&/()=?", "密码很长很长很长"])
    assert redactor.hide("a !§$%&/()=? b 密码很长很长很长c") == "a *** b ***c"
    assert redactor.hide("nothing") == "nothing"


def test_its_repr_shows_nothing() -> None:
    assert FEISHU_TOKEN not in repr(Redactor([FEISHU_TOKEN]))


def test_settings_that_travelled_to_another_process_give_the_same(everything: Settings) -> None:
    travelled = pickle.loads(pickle.dumps(everything))
    assert set(secrets_of(travelled)) == set(secrets_of(everything))


@given(st.text(), st.text(), st.lists(st.text(min_size=6, alphabet="abAB01-_./ é密"), min_size=1, max_size=5))
def test_a_secret_among_any_text_is_hidden_where_words_end(
    before: str, after: str, secrets: list[str]
) -> None:
    redactor = Redactor(secrets)
    for secret in secrets:
        shown = redactor.hide(f"{before} {secret} {after}")
        rest = f"{before}{after}"
        assert secret not in shown or secret in rest or secret in shown.replace("***", "")
        assert "***" in shown


@given(st.text())
def test_without_secrets_every_text_stays_as_it_is(text: str) -> None:
    assert Redactor().hide(text) == text


def test_twenty_thousand_secrets_cost_about_as_much_as_twenty() -> None:
    few, many = Redactor(_tokens(20)), Redactor(_tokens(20_000))
    assert _cost(many) < 4 * _cost(few)


def _tokens(count: int) -> list[str]:
    return [f"{number:08x}-1234-4abc-9def-{number * 7919:012x}" for number in range(count)]


def _cost(redactor: Redactor) -> float:
    line = '{"level":"info","msg":"消息推送成功","task_id":"task_20240101_120000_abc123def456"}'
    return min(_timed(redactor, line) for _ in range(5))


def _timed(redactor: Any, line: str) -> float:
    begun = time.process_time()
    for _ in range(2000):
        redactor.hide(line)
    return time.process_time() - begun


def test_secrets_that_are_learnt_later_are_hidden_from_then_on() -> None:
    redactor = Redactor(["first-secret"])
    assert redactor.hide("second-secret") == "second-secret"
    redactor.learn(
        (
            Webhook(
                platform=PlatformName.FEISHU,
                name="a",
                url=SecretStr("https://robots.example/hook/token-of-a"),
                secret=SecretStr("second-secret"),
            ),
        )
    )
    assert redactor.hide("first-secret second-secret token-of-a") == "*** *** ***"
    assert redactor.hide("https://robots.example/hook/other") == "https://robots.example/***"
