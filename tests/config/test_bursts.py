"""Reserves, digests and breakers, as they are written and as they are read."""

import pytest

from pushserver.config import BreakerSettings, DigestSettings, Webhook
from tests.config.loading import Load

ROBOTS = "recipients: {ops: {platforms: {feishu: {webhooks: [{url: 'https://h/', name: a%s}]}}%s}}\n"
PLAIN = ROBOTS % ("", "")


@pytest.mark.parametrize(
    ("written", "share"),
    [("20%", 0.2), ("' 12.5 % '", 0.125), ("0%", 0.0), ("off", 0.0), ("0", 0.0), ("", 0.2)],
)
def test_a_reserve_is_a_share(load_yaml: Load, written: str, share: float) -> None:
    assert load_yaml(f"{PLAIN}queue: {{reserve: {written}}}\n").settings.queue.reserve == share


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("100%", "a text that is no share"),
        ("-5%", "a text that is no share"),
        ("much", "a text that is no share"),
        ("[20%]", "a list"),
        ("20", "a text that is no share"),
    ],
)
def test_a_reserve_that_is_none_is_a_fault(load_yaml: Load, written: str, found: str) -> None:
    expected = f"config.yaml:2: queue.reserve: found {found}, expected a share like 20%, below 100%, or off"
    assert load_yaml.faults(f"{PLAIN}queue: {{reserve: {written}}}\n") == [expected]


@pytest.mark.parametrize(("written", "share"), [("", None), (", reserve: 50%", 0.5), (", reserve: off", 0.0)])
def test_a_webhook_may_have_a_reserve_of_its_own(load_yaml: Load, written: str, share: float | None) -> None:
    (channel,) = load_yaml(ROBOTS % (written, "")).settings.recipients["ops"].channels
    (robot,) = channel.targets
    assert isinstance(robot, Webhook)
    assert robot.reserve == share


def test_by_default_there_are_digests_and_breakers(load_yaml: Load) -> None:
    settings = load_yaml(PLAIN).settings
    assert settings.digest == DigestSettings(enabled=True, after=3.0, over=5)
    assert settings.breaker == BreakerSettings(enabled=True, failures=5, rest=5.0, max_rest=300.0)
    assert settings.recipients["ops"].digest == settings.digest
    assert settings.queue.max_wait == 3600.0


def test_a_recipients_digest_differs_in_what_is_written_there(load_yaml: Load) -> None:
    text = ROBOTS % ("", ", digest: {over: 2}") + "digest: {enabled: false, after: 7}\n"
    settings = load_yaml(text).settings
    assert settings.recipients["ops"].digest == DigestSettings(enabled=False, after=7.0, over=2)


FAULTS = (
    ("digest: {over: 0}", 'digest.over: found "0", expected a whole number from 1 to 100000'),
    ("digest: {after: -1}", 'digest.after: found "-1", expected a number of seconds from 0 to 3600'),
    ("breaker: {failures: few}", 'breaker.failures: found "few", expected a whole number from 1 to 1000'),
    ("queue: {max_wait: 0}", 'queue.max_wait: found "0", expected a number of seconds from 1 to 86400'),
)


@pytest.mark.parametrize(("section", "fault"), FAULTS)
def test_what_cannot_be_is_a_fault(load_yaml: Load, section: str, fault: str) -> None:
    assert load_yaml.faults(f"{PLAIN}{section}\n") == [f"config.yaml:2: {fault}"]
