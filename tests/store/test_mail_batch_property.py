"""A batch of the mail store means what its commands mean one by one."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete

from pushserver.domain.mail import (
    AcceptMail,
    AccountCounts,
    DropMails,
    FetchAccountCounts,
    FetchDueMails,
    FetchMailBacklog,
    ListMails,
    MailResult,
    MailState,
    MarkNotified,
    PurgeMails,
    RecordMailResults,
    RememberUnconfirmed,
    RetryMails,
)
from pushserver.store import MailCommand, MailOutcome, Spool, apply_to_mails, open_writer
from pushserver.store.schema import (
    account_counts,
    mail_contents,
    mail_recipients,
    mails,
    unconfirmed_mails,
)
from tests.store.conftest import NewStore
from tests.store.mail_samples import ANN, BOB, a_mail
from tests.store.samples import NOON, SECOND

TABLES = (mails, mail_contents, mail_recipients, unconfirmed_mails, account_counts)
EVERYTHING: list[MailCommand] = [
    ListMails(limit=100),
    FetchDueMails(NOON + 100 * SECOND, 100),
    FetchAccountCounts(),
]

# Few, so that commands meet; new mails have more, since a second one of the same id undoes a batch.
ids = st.sampled_from(["m0", "m1", "m2", "m3"])
new_ids = st.sampled_from([f"m{number}" for number in range(8)])
some_ids = st.lists(ids, max_size=3).map(tuple)
moments = st.integers(0, 5).map(lambda number: NOON + number * SECOND)
readers = st.sampled_from([ANN, BOB])
results = st.builds(MailResult, readers, st.sampled_from(MailState), st.sampled_from([None, 250, 550]))
counts = st.builds(AccountCounts, st.sampled_from(["a", "b"]), st.integers(0, 2), st.integers(0, 2))
envelopes = st.lists(readers, min_size=1, max_size=2, unique=True)
digests = st.sampled_from(["d1", "d2"])
new_mails = st.builds(
    lambda mail_id, readers, at: a_mail(mail_id, *readers, received_at=at), new_ids, envelopes, moments
)
accepts = st.builds(AcceptMail, new_mails, digests)
records = st.builds(
    RecordMailResults,
    ids,
    st.lists(results, max_size=2).map(tuple),
    moments,
    st.none() | moments,
    st.lists(new_mails, max_size=1).map(tuple),
    st.lists(counts, max_size=2).map(tuple),
)
commands: st.SearchStrategy[MailCommand] = st.one_of(
    accepts,
    accepts,
    records,
    records,
    counts,
    st.builds(RememberUnconfirmed, digests, ids, moments),
    st.builds(MarkNotified, ids),
    st.builds(RetryMails, st.none() | some_ids, moments),
    st.builds(DropMails, some_ids, moments),
    st.builds(PurgeMails, moments),
    st.builds(FetchDueMails, moments, st.integers(1, 3), some_ids),
    st.builds(ListMails, st.integers(1, 3), st.integers(0, 2), st.none() | st.sampled_from(MailState)),
    st.builds(FetchMailBacklog),
)
collected = st.one_of(accepts, records, records)
batches = st.lists(
    st.lists(collected, min_size=2, max_size=4) | st.lists(commands, max_size=10), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Spool:
    return Spool(tmp_path_factory.mktemp("spool"))


@pytest.fixture(scope="module")
def two_stores(new_store: NewStore) -> Iterator[list[Connection]]:
    engines = [open_writer(new_store()) for _ in range(2)]
    connections = [engine.connect() for engine in engines]
    yield connections
    for connection, engine in zip(connections, engines, strict=True):
        connection.close()
        engine.dispose()


def empty(connection: Connection) -> None:
    with connection.begin():
        for table in TABLES:
            connection.execute(delete(table))


def comparable(outcomes: Sequence[MailOutcome]) -> list[object]:
    return [str(outcome) if isinstance(outcome, Exception) else outcome for outcome in outcomes]


@given(batches)
@settings(max_examples=150, deadline=None)
def test_a_batch_means_what_its_commands_mean_one_by_one(
    two_stores: list[Connection], spool: Spool, batches: list[list[MailCommand]]
) -> None:
    together, apart = two_stores
    empty(together)
    empty(apart)
    for batch in batches:
        outcomes = apply_to_mails(together, batch, spool=spool)
        one_by_one = [apply_to_mails(apart, [command], spool=spool)[0] for command in batch]
        assert comparable(outcomes) == comparable(one_by_one)
    left, right = (apply_to_mails(store, EVERYTHING, spool=spool) for store in (together, apart))
    assert left == right
