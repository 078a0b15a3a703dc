"""The alert rules: valid, each tried by promtool, each with a chapter that says what to do."""

from pathlib import Path

import pytest

from tests.deploy.tools import needs, ran
from tests.docs.markdown import page
from tests.monitoring.files import MONITORING, RULE_TESTS, RULES, alerts

NAMES = [alert["alert"] for alert in alerts()]
RUNBOOK = "https://github.com/your-org/PushServer/blob/main/docs/TROUBLESHOOTING.md"


def promtool() -> str:
    return needs("promtool", "prometheus")


def test_prometheus_approves_of_its_configuration_and_of_the_rules() -> None:
    said = ran([promtool(), "check", "config", str(MONITORING / "prometheus.yml")])
    assert f"SUCCESS: {len(NAMES)} rules found" in said


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    assert "SUCCESS" in ran([promtool(), "test", "rules", str(RULE_TESTS)])


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_test_in_which_it_fires(name: str) -> None:
    assert f'alertname="{name}", alertstate="firing"' in RULE_TESTS.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", ["> 0.8 *", 'state="stuck"'])
def test_a_rule_that_is_wrong_would_be_noticed(rule: str, tmp_path: Path) -> None:
    wrong = {"> 0.8 *": "> 0.9 *", 'state="stuck"': 'state="running"'}[rule]
    text = RULES.read_text(encoding="utf-8")
    assert rule in text
    (tmp_path / "rules.yml").write_text(text.replace(rule, wrong), encoding="utf-8")
    tests = RULE_TESTS.read_text(encoding="utf-8").replace(
        "../../monitoring/rules/pushserver.yml", "rules.yml"
    )
    (tmp_path / "tests.yml").write_text(tests, encoding="utf-8")
    with pytest.raises(AssertionError, match="FAILED"):
        ran([promtool(), "test", "rules", str(tmp_path / "tests.yml")])


@pytest.mark.parametrize("alert", alerts(), ids=NAMES)
def test_it_says_how_bad_it_is_what_it_is_and_where_to_read_on(alert: dict[str, dict[str, str]]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert " / " in alert["annotations"]["summary"], "in both languages"
    where, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert where == RUNBOOK
    assert anchor == str(alert["alert"]).lower()
    for name in ("docs/TROUBLESHOOTING.md", "docs/TROUBLESHOOTING.zh-CN.md"):
        assert anchor in page(name).anchors


def test_no_name_comes_twice() -> None:
    assert len(set(NAMES)) == len(NAMES)
