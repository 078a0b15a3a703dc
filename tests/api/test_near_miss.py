import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.api.near_miss import near_miss

KNOWN = ("type", "strategy", "platform", "style")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("stratgy", "strategy"),
        ("strategyy", "strategy"),
        ("strrategy", "strategy"),
        ("startegy", "strategy"),
        ("strategi", "strategy"),
        ("xstrategy", "strategy"),
        ("trategy", "strategy"),
        ("Strategy", "strategy"),
        ("STRATEGY", "strategy"),
        ("tpye", "type"),
        ("typ", "type"),
        ("styel", "style"),
        ("platfrom", "platform"),
        ("plattform", "platform"),
        ("ttype", "type"),
    ],
)
def test_one_slip_names_the_word_that_was_meant(written: str, meant: str) -> None:
    assert near_miss(written, KNOWN) == meant


@pytest.mark.parametrize(
    "written", ["", "strat", "statrgey", "priority", "content", "tag", "pe", "typing", "staregy_", "level"]
)
def test_what_is_two_slips_away_is_another_word(written: str) -> None:
    assert near_miss(written, KNOWN) is None


@pytest.mark.parametrize("word", KNOWN)
def test_a_known_word_is_no_miss_of_itself(word: str) -> None:
    assert near_miss(word, (word,)) is None


@given(st.sampled_from(KNOWN), st.integers(0, 8), st.characters(codec="ascii", categories=["Ll"]))
def test_any_single_letter_put_in_or_in_place_of_another_is_recognised(
    word: str, at: int, letter: str
) -> None:
    for written in (word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :]):
        assert written == word or near_miss(written, (word,)) == word
