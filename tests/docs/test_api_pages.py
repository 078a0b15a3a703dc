"""docs/API.md and docs/API.zh-CN.md say what the OpenAPI document says, in two languages."""

import json
import re

import pytest

from pushserver.api.openapi import document
from tests.docs.api_chinese import CHINESE
from tests.docs.api_page import CHINESE_PAGE, ENGLISH_PAGE, PAGES, Say, chinese, written
from tests.docs.markdown import page

ENGLISH, TRANSLATED = page("docs/API.md"), page("docs/API.zh-CN.md")


@pytest.mark.parametrize(("path", "say"), PAGES.items(), ids=["API.md", "API.zh-CN.md"])
def test_the_tables_are_those_that_the_document_makes(path: object, say: Say) -> None:
    text = (ENGLISH if path == ENGLISH_PAGE else TRANSLATED).text
    assert text == written(text, say), "run python -m tests.docs.api_page"


def test_every_sentence_has_a_translation_and_every_translation_is_used() -> None:
    said = set()

    def note(text: str) -> str:
        said.add(text)
        return chinese(text)

    written(CHINESE_PAGE.read_text(encoding="utf-8"), note)
    assert said == set(CHINESE)


@pytest.mark.parametrize("shown", [ENGLISH, TRANSLATED], ids=str)
def test_every_route_and_every_shape_has_its_section(shown: object) -> None:
    titles = {heading.title for heading in (ENGLISH if shown is ENGLISH else TRANSLATED).headings}
    described = document()
    routes = {
        f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods
    }
    assert routes | set(described["components"]["schemas"]) <= titles


def test_both_languages_have_the_same_sections_and_show_the_same() -> None:
    assert [heading.level for heading in ENGLISH.headings] == [
        heading.level for heading in TRANSLATED.headings
    ]
    assert [(block.info, block.text) for block in ENGLISH.blocks] == [
        (block.info, block.text) for block in TRANSLATED.blocks
    ]


def test_no_english_sentence_is_left_in_the_chinese_tables() -> None:
    made = written(CHINESE_PAGE.read_text(encoding="utf-8"), chinese)
    prose = re.sub(r"`[^`]*`|```.*?```|\[[^\]]*\]\([^)]*\)|https?://\S+", "", made, flags=re.DOTALL)
    assert re.findall(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", prose) == []


def test_the_examples_are_json() -> None:
    for block in ENGLISH.blocks:
        if block.info == "json":
            json.loads(block.text)
