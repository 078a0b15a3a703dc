"""The unit: systemd's own checker approves of it, and it is as locked up as the documents say."""

import re
from pathlib import Path

import pytest

from pushserver.cli import exit_codes
from tests.deploy.tools import ROOT, needs, ran
from tests.deploy.unit import UNIT, service

PROGRAM = "/usr/local/bin/pushserver"
SCORE = "1.4 OK"


def analyze(*arguments: str) -> str:
    return ran([needs("systemd-analyze", "systemd"), *arguments])


def copied(directory: Path, *changes: tuple[str, str]) -> str:
    """The path of a copy in which some words are others; its program is one that is there."""
    text = UNIT.read_text(encoding="utf-8")
    for old, new in [(PROGRAM, "/bin/true"), *changes]:
        assert old in text
        text = text.replace(old, new)
    path = directory / UNIT.name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    assert analyze("verify", "--man=no", copied(tmp_path)) == ""


def test_a_fault_would_be_found(tmp_path: Path) -> None:
    path = copied(tmp_path, ("ProtectClock=yes", "ProtectClok=yes"))
    assert "Unknown key 'ProtectClok'" in analyze("verify", "--man=no", path)


@pytest.mark.parametrize("page", ["docs/DEPLOYMENT.md", "docs/DEPLOYMENT.zh-CN.md"])
def test_its_exposure_is_what_the_documents_say(page: str, tmp_path: Path) -> None:
    said = analyze("security", "--offline=true", "--no-pager", copied(tmp_path))
    (score,) = re.findall(r"Overall exposure level for \S+: ([\d.]+ \w+)", said)
    assert score == SCORE
    assert f"**{score}**" in (ROOT / page).read_text(encoding="utf-8")


def test_it_waits_for_the_service_to_be_ready_and_hears_that_it_lives() -> None:
    unit = service()
    assert unit.one("Type") == "notify"
    assert int(unit.one("WatchdogSec")) == 30


def test_it_does_not_try_again_what_cannot_get_better() -> None:
    assert unit_codes() == {exit_codes.USAGE, exit_codes.CONFIG}


def unit_codes() -> set[int]:
    return {int(code) for code in service().one("RestartPreventExitStatus").split()}


def test_actors_may_be_as_many_threads_as_they_are() -> None:
    assert service().one("TasksMax") == "infinity"


def test_it_writes_only_where_it_has_to() -> None:
    unit = service()
    assert unit.one("ProtectSystem") == "strict"
    assert unit.all("ReadWritePaths") == []
    assert unit.one("StateDirectory").split() == ["pushserver", "pushserver/data", "pushserver/notifications"]
    assert unit.one("LogsDirectory") == "pushserver"
