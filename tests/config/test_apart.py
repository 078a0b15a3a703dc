"""Reading in a process of its own says what reading says."""

from pathlib import Path

import pytest

from pushserver.config import ConfigError, load
from pushserver.config.apart import Source, read_apart
from tests.config.loading import RECIPIENTS

TEXT = RECIPIENTS + "server: {port: '${PORT}'}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_settings_are_the_same(path: Path) -> None:
    environ = {"PORT": "9000"}
    assert read_apart(Source(path, environ)) == load(path, environ)


def test_so_are_the_faults(path: Path) -> None:
    with pytest.raises(ConfigError) as apart:
        read_apart(Source(path, {}))
    with pytest.raises(ConfigError) as here:
        load(path, {})
    assert apart.value.faults == here.value.faults


def test_a_text_may_take_the_files_place_and_keeps_its_name(path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        read_apart(Source(path, {}), "recipients: []\n")
    assert [fault.source for fault in raised.value.faults] == [str(path)]


def test_the_environment_is_not_shown() -> None:
    assert "planted" not in repr(Source(Path("config.yaml"), {"TOKEN": "planted"}))


def test_faults_of_a_text_that_a_client_has_sent_do_not_show_the_environment(path: Path) -> None:
    source = Source(path, {"PORT": "9000", "PLANTED": "planted-value"})
    with pytest.raises(ConfigError) as raised:
        read_apart(source, RECIPIENTS + "server: {port: 'x${PLANTED}', host: 'a b'}\n")
    assert "planted-value" not in str(raised.value)
    assert [fault.found for fault in raised.value.faults] == [
        "another text in the environment",
        "a text with blanks, / or @",
    ]
