"""Links within the project lead somewhere."""

import pytest

from tests.docs.markdown import ROOT, Heading, Page, page, pages


def dead(link: str, page_: Page) -> bool:
    """Whether a link leads nowhere; links to other sites are not tried."""
    if "://" in link or link.startswith("mailto:"):
        return False
    name, _, anchor = link.partition("#")
    path = (page_.path.parent / name).resolve() if name else page_.path
    if not path.exists():
        return True
    return bool(anchor) and anchor not in page(str(path.relative_to(ROOT))).anchors


@pytest.mark.parametrize("page_", pages(), ids=str)
def test_every_internal_link_leads_somewhere(page_: Page) -> None:
    assert not [link for link in page_.links if dead(link, page_)]


def test_a_dead_link_would_be_noticed() -> None:
    readme = page("README.md")
    assert dead("docs/no-such-page.md", readme)
    assert dead("docs/architecture.md#no-such-heading", readme)
    assert not dead("docs/architecture.md", readme)


def test_anchors_are_those_that_github_makes() -> None:
    assert Heading(2, "What happens when …").anchor == "what-happens-when-"
    assert Heading(2, "`make run`, 试一试").anchor == "make-run-试一试"


def test_a_heading_that_comes_twice_has_two_anchors() -> None:
    twice = Page(ROOT / "x.md", "# `system`\n\n## system\n\n```yaml\n# not a heading\n```\n")
    assert twice.anchors == {"system", "system-1"}


def test_every_page_of_the_documents_can_be_reached_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in page("README.md").links}
    there_are = {str(page_) for page_ in pages() if str(page_).startswith("docs/")}
    assert there_are <= linked, "add it to the table of documents, in README.zh-CN.md too"
