"""docs/configuration.md tells of every key, and what it says of them is what the service does."""

import re

from pushserver.config.loader import overridable
from tests.docs import configuration_page
from tests.docs.configuration_meanings import MEANINGS
from tests.docs.configuration_page import PAGE, is_under, keys, written
from tests.docs.markdown import page

TEXT = PAGE.read_text(encoding="utf-8")
PREFIXES = re.findall(r"<!-- keys: (\S+) -->", TEXT)


def test_the_tables_are_those_that_the_models_make() -> None:
    assert written(TEXT) == TEXT, "run: python -m tests.docs.configuration_page"


def test_every_key_has_a_meaning_and_every_meaning_a_key() -> None:
    assert {key.path for key in keys()} == set(MEANINGS)


def test_every_key_stands_in_exactly_one_table_or_in_that_of_its_twins() -> None:
    twins = (
        "recipients.*.platforms.dingtalk.",
        "recipients.*.platforms.wechat.",
        "recipients.*.platforms.system.",
    )
    for key in keys():
        tables = [prefix for prefix in PREFIXES if is_under(key.path, prefix)]
        assert len(tables) == (0 if key.path.startswith(twins) and not tables else 1), key.path


def test_twins_have_the_same_keys() -> None:
    def under(prefix: str) -> set[str]:
        return {key.path.removeprefix(prefix) for key in keys() if key.path.startswith(prefix)}

    robots = under("recipients.*.platforms.feishu.")
    assert robots == under("recipients.*.platforms.dingtalk.") == under("recipients.*.platforms.wechat.")
    assert under("recipients.*.platforms.system.") == under("system.")


def test_a_table_that_is_out_of_date_would_be_noticed() -> None:
    assert written(TEXT.replace("`8080`", "`80`")) == TEXT
    assert configuration_page.table("server").splitlines()[2] == (
        "| `port` | `8080` | 0 to 65535 | HTTP port; 0 takes any free one |"
    )


def test_the_example_of_an_override_names_a_variable_that_there_is() -> None:
    variables = {setting.variable for setting in overridable()}
    named = set(re.findall(r"`([A-Z_]+)=", page("docs/configuration.md").section("The environment")))
    assert named
    assert {name.removeprefix("PUSHSERVER_") for name in named} <= variables
