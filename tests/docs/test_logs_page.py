"""docs/logs.md tells of every action, and what it says of them is what the code logs."""

import re
from collections import defaultdict

import pytest

from pushserver.config import LogSettings
from pushserver.logs.files import EVERYTHING, files_of
from pushserver.logs.levels import name_of
from pushserver.logs.line import JsonLine, TextLine
from pushserver.logs.redaction import SHORTEST, Redactor
from tests.docs.log_actions import Place, in_source, places
from tests.docs.markdown import first_column, page
from tests.logs.parts import record

PAGE = page("docs/logs.md")
ROW = re.compile(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|", re.MULTILINE)
SHOWN = {found[1]: (found[2].strip(), found[3]) for found in ROW.finditer(PAGE.section("Actions"))}
EXAMPLE = record(
    action="delivered",
    platform="feishu",
    recipient="ops_alert",
    target="主告警机器人",
    task_id="task_20240101_120000_abc123def456",
    verdict="delivered",
)


@pytest.fixture(scope="module")
def logged() -> dict[str, list[Place]]:
    by_action = defaultdict(list)
    for place in places():
        by_action[place.action].append(place)
    return by_action


def test_every_action_stands_there_once_and_is_one(logged: dict[str, list[Place]]) -> None:
    assert sorted(first_column(PAGE.section("Actions"))) == sorted(logged)


def test_each_has_the_fields_that_the_code_gives_it(logged: dict[str, list[Place]]) -> None:
    in_code = {action: set().union(*(place.fields for place in found)) for action, found in logged.items()}
    assert {action: set(re.findall(r"`(\w+)`", fields)) for action, (_, fields) in SHOWN.items()} == in_code


def test_each_has_the_level_that_the_code_gives_it(logged: dict[str, list[Place]]) -> None:
    in_code = {action: {place.level for place in found} for action, found in logged.items()}
    assert {
        action: {"" if level.startswith("(") else level} for action, (level, _) in SHOWN.items()
    } == in_code


def test_the_code_is_read_where_the_fields_are_written_at_once() -> None:
    source = 'def f(): _log.warning("x", extra={"action": "a", "port": 1})'
    assert list(in_source(source)) == [Place("a", frozenset({"port"}), "warn")]


def test_the_code_is_read_where_fields_are_unpacked() -> None:
    source = 'def f():\n fields = {"port": 1}\n _log.critical("x", extra={"action": "a", **fields, "to": 2})'
    assert list(in_source(source)) == [Place("a", frozenset({"port", "to"}), "error")]


def test_the_code_is_read_where_some_fields_are_not_always_there() -> None:
    source = (
        'def f(mail):\n fields = {"port": 1} if mail is None else {"port": 1, "mail": mail}\n'
        ' _log.info("x", extra={"action": "a", **fields})'
    )
    assert list(in_source(source)) == [Place("a", frozenset({"port", "mail"}), "info")]


def test_the_code_is_read_where_a_function_takes_the_action() -> None:
    source = (
        'def f(self): self._say("x", action="a", cpu=1)\n'
        'def _say(self, text, **fields): _log.info(text, extra={"worker": self.name, **fields})'
    )
    assert list(in_source(source)) == [Place("a", frozenset({"cpu", "worker"}), "info")]


def test_a_line_looks_as_shown() -> None:
    shown = {block.info: block.text for block in PAGE.blocks}
    assert shown["json"] == f"{JsonLine(Redactor())(EXAMPLE)}\n"
    assert shown["text"] == f"{TextLine(Redactor())(EXAMPLE)}\n"


def test_the_files_hold_the_levels_that_it_names() -> None:
    files = {path.name: levels for path, levels in files_of(LogSettings()).items()}
    section = PAGE.section("Files")
    assert sorted(first_column(section)) == sorted(files)
    for name, levels in files.items():
        (holds,) = re.findall(rf"^\| `{re.escape(name)}` \| (.*) \|$", section, re.MULTILINE)
        named = {name_of(number) for number in range(10, 60, 10) if number in levels}
        expected = {"log.level"} if levels == EVERYTHING else named
        assert set(re.findall(r"`([\w.]+)`", holds)) == expected


def test_what_is_too_short_to_be_masked_is_as_long_as_it_says() -> None:
    assert f"fewer than {SHORTEST} characters" in PAGE.section("What a line does not show")
