import logging

import pytest

from pushserver.logs import levels

pytestmark = pytest.mark.usefixtures("untouched")


def heard(name: str) -> str:
    """The lowest level at which a logger speaks."""
    return levels.name_of(logging.getLogger(name).getEffectiveLevel())


@pytest.mark.parametrize("level", ["debug", "info", "warn", "error"])
def test_our_own_loggers_follow_the_level(level: str) -> None:
    levels.apply(level)
    assert heard("pushserver.delivery.endpoint") == heard("actors.supervisor") == levels.current() == level


@pytest.mark.parametrize(
    ("level", "library"), [("debug", "warn"), ("info", "warn"), ("warn", "warn"), ("error", "error")]
)
def test_libraries_speak_from_warnings_on(level: str, library: str) -> None:
    levels.apply(level)
    assert heard("filelock") == heard("asyncio") == heard("py.warnings") == library


@pytest.mark.parametrize("level", ["debug", "info", "warn", "error"])
@pytest.mark.parametrize(
    "name", ["urllib3.connectionpool", "urllib3", "waitress.queue", "alembic.runtime.migration"]
)
def test_those_that_print_tokens_or_chatter_are_heard_from_errors_on(level: str, name: str) -> None:
    levels.apply(level)
    assert heard(name) == "error"


@pytest.mark.parametrize(
    ("configured", "in_turn"),
    [
        ("info", ["debug", "info", "debug"]),
        ("warn", ["debug", "warn", "debug"]),
        ("error", ["debug", "error", "debug"]),
        ("debug", ["info", "debug", "info"]),
    ],
)
def test_switching_goes_to_debug_and_back(configured: str, in_turn: list[str]) -> None:
    levels.apply(configured)
    seen = []
    for _ in in_turn:
        levels.change(levels.toggled(configured, levels.current()))
        seen.append(levels.current())
    assert seen == in_turn


class Seen(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def test_a_switch_is_said_in_both_directions() -> None:
    seen = Seen()
    logging.getLogger().addHandler(seen)
    levels.apply("warn")
    levels.change("debug")
    levels.change("warn")
    assert seen.texts == ["日志级别改为 debug", "日志级别改为 warn"]
