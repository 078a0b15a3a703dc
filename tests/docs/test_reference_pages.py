"""What the pages list is what the code has."""

import re
import tomllib

from pushserver.domain import VERDICTS
from tests.docs import vendor_codes
from tests.docs.markdown import ROOT, first_column, page

NAME = re.compile(r"[A-Za-z0-9._-]+")


def test_the_architecture_page_explains_every_verdict() -> None:
    assert first_column(page("docs/architecture.md").section("Verdicts")) == list(VERDICTS)


def test_every_folder_of_the_service_stands_in_the_layers() -> None:
    layers = " ".join(first_column(page("docs/architecture.md").section("Layers")))
    folders = {path.parent.name for path in (ROOT / "pushserver").glob("*/__init__.py")}
    assert {folder for folder in folders if not re.search(rf"\b{folder}\b", layers)} == {"sandbox"}


def test_what_vendors_codes_mean_is_what_the_platforms_make_of_them() -> None:
    text = vendor_codes.PAGE.read_text(encoding="utf-8")
    assert vendor_codes.written(text) == text, "run: python -m tests.docs.vendor_codes"


def test_a_wrong_verdict_in_the_table_would_be_noticed() -> None:
    text = vendor_codes.PAGE.read_text(encoding="utf-8")
    wrong = text.replace("`19024`", "`19025`")
    assert vendor_codes.written(wrong) == text != wrong


def test_every_dependency_has_its_reason_and_every_reason_its_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    wanted = {found[0] for requirement in named if (found := NAME.match(requirement))}
    assert set(first_column(page("docs/dependencies.md").text)) == wanted


def test_every_file_that_the_platforms_page_names_is_there() -> None:
    named = re.findall(r"`((?:pushserver|tests|config|docs)/[\w/.]+\.\w+)`", page("docs/platforms.md").text)
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert len(named) > 10
