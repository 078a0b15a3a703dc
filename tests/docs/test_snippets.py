"""What the pages tell a reader to type is typed here."""

import subprocess
import sys
from pathlib import Path

import pytest

from pushserver.cli import main
from tests.docs.demo import SECONDS, Demo, environment
from tests.docs.markdown import ROOT, Block, Page, pages
from tests.docs.walk import Walk

NO_RECIPIENTS = "recipients: {}\n"
"""Put under a fragment of a configuration, to make it a whole one."""


def marked(info: str) -> list[tuple[Page, Block]]:
    return [(page, block) for page in pages() for block in page.blocks if block.info == info]


def named(snippet: object) -> str:
    return f"{snippet}" if isinstance(snippet, Page) else f"line {getattr(snippet, 'line', 0)}"


SESSIONS = [
    page
    for page in pages()
    if any(block.info == "sh test" for block in page.blocks)
    and not str(page).endswith(".zh-CN.md")  # they show the very blocks of the English ones: a test each
]


def test_the_readme_and_the_page_on_the_sandbox_have_commands_to_run() -> None:
    assert {str(page) for page in SESSIONS} >= {"README.md", "docs/sandbox.md"}


@pytest.mark.parametrize("page", SESSIONS, ids=str)
def test_commands_do_and_answer_what_the_page_shows(page: Page, demo: Demo) -> None:
    assert Walk(page, demo).run() > 0


@pytest.mark.parametrize(
    ("command", "complaint"), [("echo '{\"code\": 400}'", "the answer is"), ("false", "exit code 1")]
)
def test_a_page_that_is_wrong_would_be_noticed(command: str, complaint: str, tmp_path: Path) -> None:
    text = f'```sh test\n{command}\n```\n\n```json answer\n{{"code": 200}}\n```\n'
    nowhere = Demo(tmp_path, api="127.0.0.1:1", sandbox="127.0.0.1:1")
    with pytest.raises(AssertionError, match=complaint):
        Walk(Page(ROOT / "wrong.md", text), nowhere).run()


def test_an_id_that_a_page_shows_stands_for_the_one_that_was_answered(tmp_path: Path) -> None:
    shown, given = "task_20240101_120000_abc123def456", "task_20260203_040506_zyx987wvu654"
    asks = f'```sh test\necho \'"{given}"\'\n```\n```json answer\n"{shown}"\n```\n'
    uses = f"```sh test\necho {shown} > used\n```\n"
    nowhere = Demo(tmp_path, api="127.0.0.1:1", sandbox="127.0.0.1:1")
    assert Walk(Page(ROOT / "session.md", asks + uses), nowhere).run() == 2
    assert (tmp_path / "used").read_text() == f"{given}\n"


@pytest.mark.parametrize(("page", "block"), marked("python test"), ids=named)
def test_a_program_runs_as_printed(page: Page, block: Block, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, f"{page}:{block.line}: {ran.stderr}"


@pytest.mark.parametrize(("page", "block"), marked("yaml check"), ids=named)
def test_a_configuration_is_valid(
    page: Page,
    block: Block,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FEISHU_TOKEN", "from-the-environment")
    path = tmp_path / "config.yaml"
    whole = block.text if "recipients:" in block.text else block.text + NO_RECIPIENTS
    path.write_text(whole, encoding="utf-8")
    code = main(["check", "--config", str(path)])
    assert code == 0, f"{page}:{block.line}: {capsys.readouterr().out}"


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_mark_behind_a_language_is_one_that_is_heeded(page: Page) -> None:
    known = {"sh test", "json answer", "text answer", "python test", "yaml check"}
    marks = {block.info for block in page.blocks if " " in block.info}
    assert marks <= known


@pytest.mark.parametrize("page", pages(), ids=str)
def test_an_answer_follows_the_command_that_it_belongs_to(page: Page) -> None:
    infos = [block.info for block in page.blocks]
    for before, info in zip(["", *infos], infos, strict=False):
        assert not info.endswith(" answer") or before == "sh test"
