"""The two READMEs say the same, and what they list is what there is."""

import re

import pytest
from falcon.inspect import inspect_compiled_router

from pushserver.api import create_app
from pushserver.cli.app import app
from pushserver.domain import MANNERS, Strategy
from tests.api.api_parts import Parts
from tests.docs.markdown import ROOT, Page, first_column, page

ENGLISH, CHINESE = page("README.md"), page("README.zh-CN.md")
BOTH = pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=str)


def marked_blocks(readme: Page) -> list[tuple[str, str]]:
    return [(block.info, block.text) for block in readme.blocks if " " in block.info]


def test_both_have_the_same_sections() -> None:
    assert [h.level for h in ENGLISH.headings] == [h.level for h in CHINESE.headings]


def test_both_show_the_same_commands_answers_and_configurations() -> None:
    assert marked_blocks(ENGLISH) == marked_blocks(CHINESE)


def test_both_link_to_the_same_places() -> None:
    def targets(readme: Page) -> set[str]:
        return {link for link in readme.links if not link.startswith(("#", "README"))}

    assert targets(ENGLISH) == targets(CHINESE)


def test_the_headings_of_the_chinese_one_are_chinese() -> None:
    sections = [heading.title for heading in CHINESE.headings if heading.level > 1]
    assert all(re.search("[\u4e00-\u9fff]", title) for title in sections)


@BOTH
def test_it_lists_the_commands_that_there_are(readme: Page) -> None:
    there_are = {
        command.name or str(getattr(command.callback, "__name__", "")) for command in app.registered_commands
    } | {group.name for group in app.registered_groups}
    listed = {
        cell.split()[1]
        for cell in first_column(readme.prose)
        if cell.startswith("pushserver ") and not cell.split()[1].startswith("-")
    }
    assert listed == there_are


@BOTH
def test_it_lists_the_strategies_that_there_are(readme: Page) -> None:
    names = [re.split("[`=]", cell)[0] for cell in first_column(readme.prose)]
    assert [name for name in names if name in set(Strategy)] == [strategy.value for strategy in MANNERS]


def without_names(route: str) -> str:
    """``GET /task/{task_id}`` and ``GET /task/{id}`` are the same."""
    return re.sub(r"\{[^}]+\}", "{}", route)


def routes() -> set[str]:
    """Method and path of everything that the application answers; HEAD goes with GET."""
    found = inspect_compiled_router(create_app(Parts().dependencies())._router)
    return {
        without_names(f"{method.function_name.removeprefix('on_').upper()} {route.path}")
        for route in found
        for method in route.methods
        if not method.internal
    }


@BOTH
def test_it_lists_the_routes_that_there_are(readme: Page) -> None:
    methods = ("GET ", "POST ", "PUT ", "DELETE ")
    listed = {without_names(cell) for cell in first_column(readme.prose) if cell.startswith(methods)}
    assert listed == routes()


@BOTH
def test_make_has_the_commands_that_it_names(readme: Page) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", readme.text, re.MULTILINE))
    assert {"run", "test"} <= named <= targets
