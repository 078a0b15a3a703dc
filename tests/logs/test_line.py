import json
import logging
import math
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.logs import Redactor
from pushserver.logs.line import JsonLine, TextLine
from tests.logs.parts import failing_record, record

json_line = JsonLine(Redactor())
text_line = TextLine(Redactor())

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    scalars | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)


class Colour(StrEnum):
    RED = "red"


class Moody:
    def __str__(self) -> str:
        raise RuntimeError("not today")


def test_a_line_is_the_one_of_the_seed_with_the_other_fields_in_order() -> None:
    made = record(platform="feishu", recipient="ops_alert")
    assert json_line(made) == (
        '{"level":"info","msg":"消息推送成功","platform":"feishu","recipient":"ops_alert",'
        '"time":"2024-01-01T12:00:00Z"}'
    )


def test_the_text_format_has_the_same_in_words() -> None:
    made = record("消息推送失败", logging.ERROR, platform="dingtalk", error="webhook地址无效", attempt=2)
    assert text_line(made) == (
        "2024-01-01T12:00:00Z ERROR 消息推送失败 platform=dingtalk error=webhook地址无效 attempt=2"
    )


@pytest.mark.parametrize(
    ("number", "name"),
    [(10, "debug"), (20, "info"), (30, "warn"), (40, "error"), (50, "error"), (25, "info"), (5, "debug")],
)
def test_every_number_has_one_of_the_four_names(number: int, name: str) -> None:
    assert json.loads(json_line(record("x", number)))["level"] == name


@given(st.text(), st.dictionaries(st.sampled_from(["platform", "error", "n", "键"]), anything))
def test_any_record_is_exactly_one_line_of_json_that_says_what_was_said(text: str, fields: Any) -> None:
    made = record(text, **fields)
    line = json_line(made).encode("utf-8", "backslashreplace").decode()
    assert "\n" not in line
    read = json.loads(line)
    assert read.pop("level") == "info"
    assert read.pop("time") == "2024-01-01T12:00:00Z"
    assert read.pop("msg") == text
    assert read == fields


@given(st.text(), st.text())
def test_any_record_is_one_line_of_text_without_control_characters(text: str, value: str) -> None:
    line = text_line(record(text, error=value))
    assert len(line.splitlines()) == 1
    assert line.startswith("2024-01-01T12:00:00Z INFO ")
    assert not [character for character in line if ord(character) < 32 or 127 <= ord(character) < 160]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (1.5, 1.5),
        (True, True),
        (1, 1),
        (None, None),
        (Colour.RED, "red"),
        (Moody(), "<Moody>"),
        ({"a": (1, {"b"})}, {"a": [1, ["b"]]}),
        ([[[[["deep"]]]]], [[[["['deep']"]]]]),
        ({Colour.RED: Moody()}, {"red": "<Moody>"}),
    ],
)
def test_values_that_json_does_not_know_are_shown_as_text(value: object, shown: object) -> None:
    assert json.loads(json_line(record(value=value)))["value"] == shown


def test_one_and_true_are_not_confused() -> None:
    assert [json.loads(json_line(record(v=value)))["v"] for value in (1, True, 0, False, "1")] == [
        1,
        True,
        0,
        False,
        "1",
    ]


def test_a_list_that_contains_itself_does_not_end_the_log() -> None:
    knot: list[object] = []
    knot.append(knot)
    assert json.loads(json_line(record(value=knot)))["value"] == [[[["[[...]]"]]]]


def test_a_field_of_a_reserved_name_steps_aside() -> None:
    made = record("x")
    vars(made).update(level="high", time="noon", trace="t")
    assert json_line(made) == (
        '{"level":"info","msg":"x","level_":"high","time_":"noon","trace_":"t","time":"2024-01-01T12:00:00Z"}'
    )


def test_what_other_handlers_leave_on_a_record_is_no_field() -> None:
    made = record("x", platform="feishu", message="left by a formatter", asctime="too")
    assert json.loads(json_line(made)) == {
        "level": "info",
        "msg": "x",
        "platform": "feishu",
        "time": "2024-01-01T12:00:00Z",
    }


def test_arguments_that_do_not_fit_cost_no_line() -> None:
    assert json.loads(json_line(record("%d sends", logging.INFO, "many")))["msg"] == "%d sends ('many',)"
    assert json.loads(json_line(record("%s", logging.INFO, Moody())))["msg"].startswith("%s")


def test_a_traceback_stands_in_one_field_of_json() -> None:
    read = json.loads(json_line(_failed()))
    assert read["trace"].startswith("Traceback (most recent call last):\n")
    assert read["trace"].endswith("ZeroDivisionError: division by zero")


def test_a_traceback_stands_indented_behind_a_line_of_text() -> None:
    first, *others = text_line(_failed()).split("\n")
    assert first == "2024-01-01T12:00:00Z ERROR 坏了"
    assert others[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in others)
    assert others[-1] == "    ZeroDivisionError: division by zero"


def test_a_value_with_blanks_is_quoted_so_that_the_next_field_is_still_found() -> None:
    line = text_line(record("x", error='a "b" c=d', empty="", plain="主告警机器人"))
    assert line == r'2024-01-01T12:00:00Z INFO x error="a \"b\" c=d" empty="" plain=主告警机器人'


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    assert text_line(record("\x1b[31mred\x9b2J\r\nforged")) == (
        r"2024-01-01T12:00:00Z INFO \x1b[31mred\x9b2J\r\nforged"
    )


def _failed() -> logging.LogRecord:
    try:
        1 / 0  # noqa: B018 - it is to fail
    except ZeroDivisionError as error:
        made = failing_record(error)
    return made
