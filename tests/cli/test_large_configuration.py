"""A large file is read in another process, and nobody can tell."""

from pathlib import Path

import pytest

from pushserver.cli import configuration
from pushserver.config import ConfigError, load
from pushserver.config.apart import Source
from pushserver.config.errors import NotRead

GOOD = """
recipients:
  ops:
    platforms:
      feishu:
        webhooks: [{url: "https://open.feishu.cn/open-apis/bot/v2/hook/t", name: a}]
"""


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "_LARGE", 0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("config.yaml")


def test_the_settings_are_the_same(here: Path) -> None:
    here.write_text(GOOD, encoding="utf-8")
    assert configuration.read(here) == load(here, {})


def test_the_faults_are_the_same_and_name_the_file_as_it_was_named(here: Path) -> None:
    here.write_text(GOOD.replace("webhooks", "webhoks"), encoding="utf-8")
    with pytest.raises(ConfigError) as apart:
        configuration.read(here)
    with pytest.raises(ConfigError) as in_here:
        load(here, {})
    assert apart.value.faults == in_here.value.faults


def test_a_file_that_is_not_there_is_the_usual_fault(here: Path) -> None:
    with pytest.raises(ConfigError):
        configuration.read(here)


def test_without_another_process_it_is_read_in_this_one(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_source: Source) -> None:
        raise NotRead("no process could be started")

    monkeypatch.setattr(configuration, "read_apart", fail)
    here.write_text(GOOD, encoding="utf-8")
    assert [*configuration.read(here).settings.recipients] == ["ops"]
