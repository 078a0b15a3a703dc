from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, Select, event, text

from pushserver.domain.mail import (
    AcceptMail,
    AccountCounts,
    DropMails,
    Duplicate,
    FetchAccountCounts,
    FetchDueMails,
    FetchMailBacklog,
    ListedMail,
    ListMails,
    MailBacklog,
    MailPage,
    MailRecipient,
    MailState,
    MarkNotified,
    PurgeMails,
    QueuedMail,
    RecordMailResults,
    RememberUnconfirmed,
    RetryMails,
    new_mail_id,
)
from pushserver.store import (
    CommandRefused,
    MailCommand,
    MailOutcome,
    MailReader,
    Spool,
    apply_to_mails,
    mail_lists,
    mails,
)
from pushserver.store.mail_codec import queued_when_new
from tests.store.mail_samples import (
    ANN,
    BOB,
    CONTENT,
    a_mail,
    accept,
    bounced,
    deferred,
    delivered,
    record,
)
from tests.store.samples import NOON, SECOND

MINUTE = 60 * SECOND
DUE = FetchDueMails(NOON, limit=10)
SOMEDAY = FetchDueMails(NOON + 1000 * MINUTE, limit=10)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def run(connection: Connection, spool: Spool) -> "Run":
    return Run(connection, spool)


class Run:
    """Commits commands together and returns their outcomes, or the only one's."""

    def __init__(self, connection: Connection, spool: Spool) -> None:
        self._connection = connection
        self._spool = spool

    def __call__(self, *commands: MailCommand, purge_limit: int = 500) -> list[MailOutcome]:
        return apply_to_mails(self._connection, commands, spool=self._spool, purge_limit=purge_limit)

    def queued(self, question: FetchDueMails = SOMEDAY) -> tuple[QueuedMail, ...]:
        (found,) = self(question)
        assert isinstance(found, tuple)
        return found

    def ids(self, question: FetchDueMails = SOMEDAY) -> list[str]:
        return [found.mail.id for found in self.queued(question)]

    def page(self, question: ListMails | None = None) -> MailPage:
        (found,) = self(question or ListMails(limit=100))
        assert isinstance(found, MailPage)
        return found

    def listed(self, mail_id: str) -> ListedMail:
        (found,) = [item for item in self.page().items if item.id == mail_id]
        return found

    def states(self, mail_id: str) -> list[MailState]:
        return [recipient.state for recipient in self.listed(mail_id).recipients]

    def rows(self, table: str) -> int:
        with self._connection.begin():
            found: int = self._connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        return found


# Accepting -------------------------------------------------------------------------------------------


def test_a_mail_comes_back_as_it_was_accepted(run: Run) -> None:
    mail = a_mail("m1", BOB, ANN, content=bytes(range(256)) * 40)
    assert run(AcceptMail(mail, "d1")) == [None]
    assert run.queued(DUE) == (QueuedMail(mail, (MailRecipient(BOB), MailRecipient(ANN)), next_try_at=NOON),)


def test_the_null_sender_stays_null(run: Run) -> None:
    run(AcceptMail(a_mail(sender=""), "d1"))
    assert run.queued()[0].mail.sender == ""


def test_a_hundred_recipients_keep_the_order_of_the_envelope(run: Run) -> None:
    everybody = [f"reader{number}@example.org" for number in reversed(range(100))]
    run(accept("m1", *everybody))
    assert [recipient.address for recipient in run.queued()[0].recipients] == everybody


def test_hostile_text_is_stored_without_what_no_database_can_hold(run: Run) -> None:
    hostile = replace(a_mail("m1", "a\0@x", "b\ud800@x"), subject="\ud800", message_id="\0", sender="\0")
    run(AcceptMail(hostile, "d1"), AcceptMail(a_mail("m2"), "\ud83d"))
    assert run.states("m1") == [MailState.WAITING] * 2
    assert run.queued()[0] == queued_when_new(hostile), "whoever is handed it sees what is stored"
    run(record("m1", *delivered("a\0@x", "b\ud800@x")))
    assert run.states("m1") == [MailState.DELIVERED] * 2


def test_a_mail_for_nobody_is_refused_and_takes_nobody_with_it(run: Run) -> None:
    nobody = replace(a_mail("m1"), recipients=())
    outcomes = run(accept("m0"), AcceptMail(nobody, "d1"), accept("m2"))
    assert [type(outcome) for outcome in outcomes] == [type(None), CommandRefused, type(None)]
    assert run.ids() == ["m0", "m2"]


def test_a_second_mail_of_the_same_id_is_refused_and_the_first_stays(run: Run) -> None:
    run(accept("m1", ANN))
    outcomes = run(accept("m2"), accept("m1", BOB))
    assert [type(outcome) for outcome in outcomes] == [type(None), CommandRefused]
    assert str(outcomes[1]) == "the store refuses this AcceptMail: IntegrityError"
    assert run.queued()[0].mail == a_mail("m1", ANN)


def test_ids_say_when_and_cannot_be_guessed() -> None:
    ids = {new_mail_id(NOON) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(mail_id.startswith("mail_20260102_120000_") and len(mail_id) == 37 for mail_id in ids)


def test_content_shows_in_no_repr() -> None:
    assert "disk" not in repr(accept("m1"))


# Duplicates ------------------------------------------------------------------------------------------


def test_a_mail_that_its_client_may_not_know_of_is_a_duplicate_once(run: Run) -> None:
    run(accept("m1", digest="same"))
    run(RememberUnconfirmed("same", "m1", NOON))
    assert run(accept("m2", digest="same"), accept("m3", digest="same")) == [Duplicate("m1"), None]
    assert run(accept("m4", digest="same")) == [None]
    assert run.ids() == ["m1", "m3", "m4"]


def test_identical_mails_whose_clients_know_are_all_accepted(run: Run) -> None:
    assert run(accept("m1", digest="same"), accept("m2", digest="same")) == [None, None]


def test_a_duplicate_that_is_broken_off_again_is_remembered_again(run: Run) -> None:
    run(accept("m1", digest="same"), RememberUnconfirmed("same", "m1", NOON))
    run(RememberUnconfirmed("same", "m1", NOON + SECOND))
    run(accept("m2", digest="same"), RememberUnconfirmed("same", "m1", NOON + 2 * SECOND))
    assert run(accept("m3", digest="same")) == [Duplicate("m1")]


def test_what_is_remembered_in_a_batch_is_known_to_the_rest_of_it(run: Run) -> None:
    unconfirmed = RememberUnconfirmed("same", "m1", NOON)
    outcomes = run(accept("m1", digest="same"), unconfirmed, accept("m2", digest="same"))
    assert outcomes == [None, None, Duplicate("m1")]


def test_a_mail_that_was_never_stored_makes_no_duplicate(run: Run) -> None:
    run(RememberUnconfirmed("same", "lost", NOON))
    assert run(accept("m1", digest="same")) == [None]
    assert run.ids() == ["m1"]


def test_a_mail_that_is_stored_after_it_was_remembered_makes_a_duplicate(run: Run) -> None:
    run(RememberUnconfirmed("same", "m1", NOON))
    assert run(accept("m1"), accept("m2", digest="same")) == [None, Duplicate("m1")]


def test_a_mail_that_is_delivered_already_makes_a_duplicate(run: Run) -> None:
    run(accept("m1", digest="same"), RememberUnconfirmed("same", "m1", NOON))
    run(record("m1", *delivered(ANN)))
    assert run(accept("m2", digest="same")) == [Duplicate("m1")]


@pytest.mark.parametrize(("after", "outcome"), [(10 * MINUTE, Duplicate("m1")), (10 * MINUTE + SECOND, None)])
def test_a_client_is_expected_back_within_ten_minutes(
    run: Run, after: timedelta, outcome: Duplicate | None
) -> None:
    run(accept("m1", digest="same"), RememberUnconfirmed("same", "m1", NOON))
    assert run(accept("m2", digest="same", received_at=NOON + after)) == [outcome]


def test_what_is_too_old_is_forgotten(run: Run) -> None:
    run(RememberUnconfirmed("a", "m1", NOON), RememberUnconfirmed("b", "m2", NOON + MINUTE))
    run(RememberUnconfirmed("c", "m3", NOON + 10 * MINUTE + SECOND))
    assert run.rows("unconfirmed_mails") == 2


# What is due -----------------------------------------------------------------------------------------


def test_the_longest_due_come_first_and_no_more_than_asked_for(run: Run) -> None:
    run(accept("late", received_at=NOON + SECOND), accept("m2"), accept("m1"), accept("m0"))
    assert run.ids() == ["m2", "m1", "m0", "late"]
    assert run.ids(FetchDueMails(NOON, limit=2)) == ["m2", "m1"]
    assert run.ids(FetchDueMails(NOON, limit=10)) == ["m2", "m1", "m0"]
    assert run.ids(FetchDueMails(NOON - SECOND, limit=10)) == []


def test_what_the_asker_has_already_is_left_out_and_takes_no_room(run: Run) -> None:
    run(*(accept(f"m{number}") for number in range(5)))
    assert run.ids(FetchDueMails(NOON, 2, exclude=("m0", "m2", "gone"))) == ["m1", "m3"]


def test_a_mail_is_due_again_when_its_results_say_so(run: Run) -> None:
    run(accept("m1"))
    run(RecordMailResults("m1", deferred(ANN), NOON, next_try_at=NOON + MINUTE))
    assert run.ids(FetchDueMails(NOON + MINUTE - SECOND, 9)) == []
    assert run.ids(FetchDueMails(NOON + MINUTE, 9)) == ["m1"]


def test_a_mail_that_nobody_could_try_is_only_put_off(run: Run) -> None:
    run(accept("m1"))
    run(RecordMailResults("m1", (), NOON, next_try_at=NOON + MINUTE))
    (queued,) = run.queued()
    assert (queued.next_try_at, queued.recipients) == (NOON + MINUTE, (MailRecipient(ANN),))


# Results ---------------------------------------------------------------------------------------------


def test_results_are_the_recipients_own(run: Run) -> None:
    run(accept("m1", ANN, BOB, "eve@example.org"))
    run(record("m1", *delivered(ANN), *deferred(BOB), *bounced("eve@example.org")))
    assert run.queued()[0].recipients == (
        MailRecipient(ANN, MailState.DELIVERED, 1, 250, "ok", "main"),
        MailRecipient(BOB, MailState.WAITING, 1, 451, "later", "spare"),
        MailRecipient("eve@example.org", MailState.BOUNCED, 1, 550, "no such user", "main"),
    )


def test_tries_are_counted_and_the_last_reason_stays(run: Run) -> None:
    run(accept("m1"), record("m1", *deferred(ANN)), record("m1", *deferred(ANN)))
    run(record("m1", *delivered(ANN)))
    assert run.listed("m1").recipients == (MailRecipient(ANN, MailState.DELIVERED, 3, 250, "ok", "main"),)


def test_a_mail_that_nobody_waits_for_is_finished_and_its_body_gone(run: Run) -> None:
    run(accept("m1", ANN, BOB), accept("m2"))
    run(record("m1", *delivered(ANN)))
    assert (run.ids(), run.rows("mail_contents")) == (["m2", "m1"], 2)
    run(record("m1", *bounced(BOB), at=NOON + MINUTE))
    assert (run.ids(), run.rows("mail_contents")) == (["m2"], 1)
    listed = run.listed("m1")
    assert (listed.finished_at, listed.next_try_at, listed.size) == (NOON + MINUTE, None, len(CONTENT))


@pytest.mark.parametrize("state", [state for state in MailState if state.final])
def test_a_recipients_first_final_state_stays(run: Run, state: MailState) -> None:
    run(accept("m1", ANN, BOB))
    run(record("m1", replace(delivered(ANN)[0], state=state)))
    run(record("m1", *deferred(ANN), *bounced(ANN), *deferred(BOB)))
    assert run.states("m1") == [state, MailState.WAITING]
    assert run.listed("m1").recipients[0].tries == 1


def test_a_repetition_of_final_results_stores_nothing(run: Run) -> None:
    final = RecordMailResults(
        "m1", bounced(ANN), NOON, dsns=(a_mail("dsn1"),), counts=(AccountCounts("main", 0, 1),)
    )
    again = replace(final, at=NOON + SECOND, dsns=(a_mail("dsn2"),))
    run(accept("m1"))
    assert run(final, again) == [None, None]
    assert run(again) == [None]
    assert run.ids() == ["dsn1"]
    assert run.listed("m1").finished_at == NOON
    assert run(FetchAccountCounts()) == [{"main": (0, 1)}]


def test_results_of_a_mail_that_is_unknown_store_nothing(run: Run) -> None:
    assert run(RecordMailResults("gone", bounced(ANN), NOON, dsns=(a_mail("dsn"),))) == [None]
    assert run(RecordMailResults("gone", (), NOON, next_try_at=NOON)) == [None]
    assert run.page().total == 0


def test_results_are_not_about_a_mail_that_comes_after_them(run: Run) -> None:
    assert run(record("m1", *delivered(ANN)), accept("m1")) == [None, None]
    assert run.states("m1") == [MailState.WAITING]


def test_results_may_be_about_a_bounce_that_comes_before_them(run: Run) -> None:
    run(accept("m1"))
    run(RecordMailResults("m1", bounced(ANN), NOON, dsns=(a_mail("dsn"),)), record("dsn", *delivered(ANN)))
    assert run.states("dsn") == [MailState.DELIVERED]


def test_a_result_for_somebody_who_is_not_in_the_envelope_stores_nothing(run: Run) -> None:
    run(accept("m1", ANN))
    run(RecordMailResults("m1", bounced(BOB), NOON, dsns=(a_mail("dsn"),)))
    assert run.states("m1") == [MailState.WAITING]
    assert run.ids() == ["m1"]


def test_a_bounce_is_queued_at_once_and_known_as_such(run: Run) -> None:
    dsn = a_mail("dsn", "printer@example.org", sender="", received_at=NOON + SECOND)
    run(accept("m1"))
    run(RecordMailResults("m1", bounced(ANN), NOON, dsns=(dsn,)))
    assert run.queued() == (
        QueuedMail(dsn, (MailRecipient("printer@example.org"),), dsn.received_at, is_dsn=True),
    )
    assert [item.is_dsn for item in run.page().items] == [True, False]


def test_a_result_and_the_bounce_it_causes_are_stored_together_or_not_at_all(run: Run) -> None:
    run(accept("m1"), accept("taken"), accept("m2"))
    impossible = RecordMailResults(
        "m1", bounced(ANN), NOON, dsns=(a_mail("taken"),), counts=(AccountCounts("main", 0, 1),)
    )
    outcomes = run(impossible, record("m2", *delivered(ANN)))
    assert [type(outcome) for outcome in outcomes] == [CommandRefused, type(None)]
    assert run.states("m1") == [MailState.WAITING]
    assert run.states("m2") == [MailState.DELIVERED]
    assert run(FetchAccountCounts()) == [{}]


def test_an_operator_who_was_told_is_told_once(run: Run) -> None:
    run(accept("m1"), accept("m2"), MarkNotified("m1"), MarkNotified("gone"))
    assert [queued.notified for queued in run.queued()] == [True, False]
    run(record("m1", *deferred(ANN)))
    assert run.listed("m1").notified


# Counters --------------------------------------------------------------------------------------------


def test_counters_add_up_however_they_come(run: Run) -> None:
    run(accept("m1", ANN), AccountCounts("main", sent=2), AccountCounts("main", failed=1))
    run(
        replace(record("m1", *delivered(ANN)), counts=(AccountCounts("main", 1), AccountCounts("备用", 0, 3)))
    )
    run(AccountCounts("main", 0, 0), AccountCounts("never", 0, 0))
    assert run(AccountCounts("main", 1), FetchAccountCounts()) == [None, {"main": (4, 1), "备用": (0, 3)}]


# Operators -------------------------------------------------------------------------------------------


def test_a_retry_hastens_those_it_names(run: Run) -> None:
    run(accept("m1"), accept("m2"), accept("m3"), accept("done"))
    run(record("done", *delivered(ANN)), *(record(f"m{number}", *deferred(ANN)) for number in (1, 2, 3)))
    later = NOON + 2 * SECOND
    assert run(RetryMails(("m1", "m3", "done", "gone"), later)) == [2]
    assert run.ids(FetchDueMails(later, 9)) == ["m1", "m3"]
    assert run(RetryMails(None, later + SECOND)) == [3]
    assert run.ids(FetchDueMails(later + SECOND, 9)) == ["m1", "m3", "m2"]


def test_a_retry_puts_nobody_off(run: Run) -> None:
    run(accept("m1"))
    assert run(RetryMails(("m1",), NOON + MINUTE), RetryMails(None, NOON + MINUTE)) == [1, 1]
    assert run.ids(DUE) == ["m1"]


def test_a_mail_that_is_dropped_is_finished_for_those_who_waited(run: Run) -> None:
    run(accept("m1", ANN, BOB), accept("m2"), accept("m3"))
    run(record("m1", *delivered(ANN)), record("m3", *bounced(ANN)))
    assert run(DropMails(("m1", "m3", "gone"), NOON + MINUTE)) == [1]
    assert run.states("m1") == [MailState.DELIVERED, MailState.DROPPED]
    assert run.states("m3") == [MailState.BOUNCED]
    assert run.listed("m1").finished_at == NOON + MINUTE
    assert (run.ids(), run.rows("mail_contents")) == (["m2"], 1)


def test_a_list_shows_all_but_the_content_newest_first(run: Run, reader: Engine) -> None:
    run(accept("m1", ANN, BOB), accept("m2"), accept("m3"), record("m1", *delivered(ANN)))
    page = run.page(ListMails(limit=2, offset=1))
    assert page == MailPage(
        (
            ListedMail(
                id="m2",
                sender="printer@example.org",
                recipients=(MailRecipient(ANN),),
                received_at=NOON,
                size=len(CONTENT),
                subject="磁盘告警",
                message_id="<m2@example.org>",
                next_try_at=NOON,
                finished_at=None,
                notified=False,
                is_dsn=False,
            ),
            run.listed("m1"),
        ),
        total=3,
    )
    assert MailReader(reader).page(None, 2, 1) == page


@pytest.mark.parametrize(
    ("state", "ids"),
    [
        (MailState.WAITING, ["m3", "m2"]),
        (MailState.DELIVERED, ["m2", "m1"]),
        (MailState.BOUNCED, []),
    ],
)
def test_a_list_may_be_of_those_with_a_recipient_in_a_state(
    run: Run, state: MailState, ids: Sequence[str]
) -> None:
    run(accept("m1", ANN, BOB), accept("m2", ANN, BOB), accept("m3"))
    run(record("m1", *delivered(ANN, BOB)), record("m2", *delivered(BOB)))
    page = run.page(ListMails(limit=9, state=state))
    assert ([item.id for item in page.items], page.total) == (ids, len(ids))


def test_the_backlog_is_what_is_waited_for(run: Run, reader: Engine) -> None:
    assert run(FetchMailBacklog()) == [MailBacklog(0)]
    run(accept("done", received_at=NOON - MINUTE), accept("m1"), accept("m2", received_at=NOON + SECOND))
    run(record("done", *delivered(ANN)), record("m1", *deferred(ANN), at=NOON + MINUTE))
    found = MailBacklog(waiting=2, oldest=NOON, next_try_at=NOON + SECOND)
    assert run(FetchMailBacklog()) == [found]
    assert MailReader(reader).backlog() == found


def test_counters_can_be_read_beside_the_store(run: Run, reader: Engine) -> None:
    run(AccountCounts("main", 5, 1))
    assert MailReader(reader).counts() == {"main": (5, 1)}


# Retention -------------------------------------------------------------------------------------------


def test_a_purge_takes_what_was_finished_before(run: Run) -> None:
    run(accept("old"), accept("new"), accept("open"))
    run(record("old", *delivered(ANN), at=NOON), record("new", *delivered(ANN), at=NOON + MINUTE))
    assert run(PurgeMails(NOON + MINUTE)) == [1]
    assert [item.id for item in run.page().items] == ["open", "new"]
    assert (run.rows("mail_recipients"), run.rows("mail_contents")) == (2, 1)


def test_a_purge_takes_no_more_than_its_limit_oldest_first(run: Run) -> None:
    run(*(accept(f"m{number}") for number in range(3)))
    run(*(record(f"m{number}", *delivered(ANN), at=NOON - number * SECOND) for number in range(3)))
    assert run(PurgeMails(NOON + SECOND), purge_limit=2) == [2]
    assert [item.id for item in run.page().items] == ["m0"]


# What it costs ---------------------------------------------------------------------------------------


PARAMETERS = {
    "mail_ids": ["m1", "m2"],
    "of_digest": "d1",
    "in_state": "waiting",
    "of_mail": "m1",
    "now": 1,
    "before": 1,
    "most": 9,
    "skipped": 0,
}


def test_no_question_costs_more_than_it_answers(connection: Connection) -> None:
    plans = {}
    with connection.begin():
        for module in (mails, mail_lists):
            for name, statement in vars(module).items():
                if isinstance(statement, Select):
                    plans[name] = plan_of(connection, statement)
    assert len(plans) == 18
    listings = {"_COUNT", "_COUNTS", "_PAGE"}
    for name in plans.keys() - listings:
        assert "SCAN" not in plans[name], name
    assert "ix_mails_waiting_next_try_at (waiting=? AND next_try_at<?)" in plans["_DUE"]
    assert "TEMP B-TREE" not in plans["_DUE"]
    assert "ix_mails_waiting_finished_at (waiting=? AND finished_at<?)" in plans["_PURGEABLE"]
    assert "ix_mails_waiting_received_at" in plans["_OLDEST"]
    assert "ix_mails_waiting_next_try_at" in plans["_NEXT"]
    assert "TEMP B-TREE" not in plans["_PAGE"]
    assert "ix_mail_recipients_state_mail_id (state=?)" in plans["_PAGE_IN_STATE"]


def plan_of(connection: Connection, statement: Select[tuple[object, ...]]) -> str:
    said: list[tuple[str, tuple[object, ...]]] = []
    event.listen(connection, "before_cursor_execute", lambda *call: said.append(call[2:4]), once=True)
    connection.execute(statement, PARAMETERS)
    ((sql, parameters),) = said
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
    return "\n".join(row[-1] for row in rows)
