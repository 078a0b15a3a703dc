import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.platforms.text import (
    TITLE_NOTE,
    clean,
    clean_line,
    cut,
    escape_html,
    json_bytes,
    json_cost,
    neutralise,
    utf8_cost,
)

any_text = st.text(st.characters() | st.sampled_from("\ud800\udfff\x00\r\n<@al t/\u2028"))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("tab\tstays", "tab\tstays"),
        ("\ud800", "\ufffd"),
        ("🚨 中文", "🚨 中文"),
    ],
)
def test_clean_keeps_text_and_drops_control_characters(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("T\r\nBcc: x@example.com", "T Bcc: x@example.com"),
        ("a\n\n\tb", "a b"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("  \x00 ", ""),
    ],
)
def test_clean_line_is_one_line(text: str, line: str) -> None:
    assert clean_line(text) == line


@pytest.mark.parametrize(
    ("text", "neutral"),
    [
        ('<at user_id="all">所有人</at>', '＜at user_id="all">所有人＜/at>'),
        ("<at id=all></at>", "＜at id=all>＜/at>"),
        ("<AT id=all>", "＜AT id=all>"),
        ("<\nat id=all>", "＜\nat id=all>"),
        ("<@zhangsan>", "＜@zhangsan>"),
        ("@all 注意", "＠all 注意"),
        ("@ALL @_all @所有人", "＠ALL ＠_all ＠所有人"),
        ("1 < 2, a@b.example, <b>", "1 < 2, a@b.example, <b>"),
        ("ends in <", "ends in ＜"),
    ],
)
def test_mentions_become_plain_words(text: str, neutral: str) -> None:
    assert neutralise(text) == neutral


def test_a_megabyte_of_blanks_takes_no_time() -> None:
    # Ordinary repetition would look at half a billion positions here.
    text = "<" + " " * 1_000_000 + "x"
    assert neutralise(text) == text


def test_html_is_escaped_also_for_attributes() -> None:
    assert escape_html("<a href='x'>\"&") == "&lt;a href=&#x27;x&#x27;&gt;&quot;&amp;"


def test_json_keeps_chinese_as_it_is() -> None:
    assert json_bytes({"a": "中\n"}) == '{"a":"中\\n"}'.encode()
    assert json_cost('中"\n') == 7


def test_what_fits_is_not_touched() -> None:
    assert cut("中文", 6, utf8_cost) == "中文"


def test_what_is_cut_says_how_much_is_missing() -> None:
    assert cut("中" * 100, 130, utf8_cost) == "中" * 29 + "\n…（内容过长，已截去 71 字）"
    assert cut("中" * 100, 60, utf8_cost, TITLE_NOTE) == "中" * 11 + "…（已截去 89 字）"


def test_where_not_even_the_note_fits_the_beginning_is_kept() -> None:
    assert cut("中文字", 7, utf8_cost) == "中文"
    assert cut("中文字", 0, utf8_cost) == ""
    assert cut("中文字", -5, utf8_cost) == ""


@given(any_text, st.integers(-10, 200))
def test_a_cut_text_never_costs_more_than_its_budget(text: str, budget: int) -> None:
    text = clean(text)
    for cost in (utf8_cost, json_cost):
        assert cost(cut(text, budget, cost)) <= max(budget, 0)


@given(any_text)
def test_any_text_becomes_utf8_and_json(text: str) -> None:
    assert json.loads(json_bytes({"t": clean(text)})) == {"t": clean(text)}
    assert "\n" not in clean_line(text)
