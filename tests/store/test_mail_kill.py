"""What is left of a process that was killed just after it had said that a mail is accepted."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection

from pushserver.domain.mail import FetchDueMails
from pushserver.store import Spool, apply_to_mails, read_content
from tests.store.accepting_child import BIG
from tests.store.mail_samples import CONTENT
from tests.store.samples import NOON

pytestmark = pytest.mark.kill


def killed_after(lines: int, url: str, directory: Path) -> list[str]:
    """What a process said of its mails that is killed as soon as it has said so much."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.accepting_child", url, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        said += child.stdout.readlines()
    # A line that was torn by the kill promised nothing.
    return [line.strip() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("lines", [1, 2, 21])
def test_every_mail_that_was_answered_is_there_with_its_content(
    url: str, tmp_path: Path, connection: Connection, lines: int
) -> None:
    answered = killed_after(lines, url, tmp_path / "spool")
    assert len(answered) >= lines
    spool = Spool(tmp_path / "spool")
    (queued,) = apply_to_mails(connection, [FetchDueMails(NOON, 10_000)], spool=spool)
    assert isinstance(queued, tuple)
    found = {item.mail.id: read_content(item.mail.content) for item in queued}
    for number, mail_id in enumerate(answered):
        assert found[mail_id] == (BIG if number % 2 else CONTENT)
    assert len(found) - len(answered) in {0, 1}  # one more if it was killed between commit and saying so
