"""Mails whose content is a file: it is there as long as anybody waits for it, and no longer."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import (
    AcceptMail,
    DropMails,
    Duplicate,
    FetchDueMails,
    QueuedMail,
    RecordMailResults,
    RememberUnconfirmed,
    SpooledContent,
)
from pushserver.store import CommandRefused, MailCommand, MailOutcome, Spool, apply_to_mails, read_content
from tests.store.mail_samples import ANN, BOB, a_mail, accept, bounced, deferred, delivered, record
from tests.store.samples import NOON

BIG = b"0123456789abcdef" * 20_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(directory: Path) -> Spool:
    return Spool(directory)


def accept_spooled(spool: Spool, mail_id: str, *recipients: str) -> AcceptMail:
    with spool.create(mail_id) as file:
        file.write(BIG)
        content = file.commit()
    return AcceptMail(a_mail(mail_id, *recipients, content=content, size=len(BIG)), f"digest of {mail_id}")


def run(connection: Connection, spool: Spool, *commands: MailCommand) -> list[MailOutcome]:
    return apply_to_mails(connection, commands, spool=spool)


def queued(connection: Connection, spool: Spool) -> tuple[QueuedMail, ...]:
    (found,) = run(connection, spool, FetchDueMails(NOON, 10))
    assert isinstance(found, tuple)
    return found


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_spooled_content_stays_a_file(connection: Connection, spool: Spool) -> None:
    command = accept_spooled(spool, "m1")
    assert run(connection, spool, command, accept("small")) == [None, None]
    found, small = queued(connection, spool)
    assert found.mail == command.mail
    assert read_content(found.mail.content) == BIG
    assert isinstance(small.mail.content, bytes)


def test_the_spool_may_be_moved_with_its_store(connection: Connection, spool: Spool, tmp_path: Path) -> None:
    run(connection, spool, accept_spooled(spool, "m1"))
    (tmp_path / "spool").rename(tmp_path / "moved")
    (found,) = queued(connection, Spool(tmp_path / "moved"))
    assert found.mail.content == SpooledContent(str(tmp_path / "moved" / "m1.eml"))
    assert read_content(found.mail.content) == BIG


def test_a_file_goes_when_nobody_waits_for_it(connection: Connection, spool: Spool, directory: Path) -> None:
    run(connection, spool, accept_spooled(spool, "m1", ANN, BOB), accept_spooled(spool, "m2"))
    run(connection, spool, record("m1", *delivered(ANN), *deferred(BOB)))
    assert files(directory) == ["m1.eml", "m2.eml"]
    run(connection, spool, record("m1", *bounced(BOB)))
    assert files(directory) == ["m2.eml"]
    run(connection, spool, DropMails(("m2",), NOON))
    assert files(directory) == []


def test_a_file_stays_when_the_end_of_its_mail_was_not_committed(
    connection: Connection, spool: Spool, directory: Path
) -> None:
    run(connection, spool, accept_spooled(spool, "m1"), accept("taken"))

    def fail_to_commit(_: Connection) -> None:
        fault = sqlite3.OperationalError("disk I/O error")
        raise OperationalError("COMMIT", {}, fault)

    event.listen(connection, "commit", fail_to_commit, once=True)
    outcomes = run(connection, spool, accept("taken"), record("m1", *delivered(ANN)))
    assert [type(outcome) for outcome in outcomes] == [CommandRefused, StoreUnavailable]
    assert files(directory) == ["m1.eml"]
    assert [found.mail.id for found in queued(connection, spool)] == ["m1", "taken"]


def test_a_mail_whose_file_is_not_there_is_refused_and_takes_nobody_with_it(
    connection: Connection, spool: Spool
) -> None:
    command = accept_spooled(spool, "m1")
    spool.remove(["m1.eml"])
    outcomes = run(connection, spool, accept("m0"), command)
    assert [type(outcome) for outcome in outcomes] == [type(None), CommandRefused]
    assert [found.mail.id for found in queued(connection, spool)] == ["m0"]


def test_a_duplicate_leaves_the_file_of_the_first(
    connection: Connection, spool: Spool, directory: Path
) -> None:
    first, again = accept_spooled(spool, "m1"), accept_spooled(spool, "m2")
    run(connection, spool, first, RememberUnconfirmed(first.digest, "m1", NOON))
    assert run(connection, spool, replace(again, digest=first.digest)) == [Duplicate("m1")]
    spool.remove(["m2.eml"])  # its writer's duty
    assert [read_content(found.mail.content) for found in queued(connection, spool)] == [BIG]


def test_a_bounce_may_be_spooled(connection: Connection, spool: Spool, directory: Path) -> None:
    run(connection, spool, accept_spooled(spool, "m1"))
    dsn = accept_spooled(spool, "dsn").mail
    run(connection, spool, RecordMailResults("m1", bounced(ANN), NOON, dsns=(dsn,)))
    assert files(directory) == ["dsn.eml"]
    assert [read_content(found.mail.content) for found in queued(connection, spool)] == [BIG]
