"""The notification store means what a plain list means, in batches and one by one."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete

from pushserver.domain import Level, NotificationStatus
from pushserver.domain.messages import (
    ClearNotifications,
    DeleteNotification,
    MarkAllRead,
    MarkRead,
    StoreNotification,
)
from pushserver.store import (
    NotificationCommand,
    NotificationTable,
    apply_to_notifications,
    open_writer,
)
from pushserver.store.schema import alarms, notifications
from tests.store.conftest import NewStore
from tests.store.notification_model import NotificationList
from tests.store.samples import an_entry

TASKS = [f"t{number}" for number in range(9)]

ids = st.sampled_from([an_entry(task_id).id for task_id in TASKS])
new_entries = st.builds(an_entry, st.sampled_from(TASKS), st.sampled_from(Level))
commands: st.SearchStrategy[NotificationCommand] = st.one_of(
    st.builds(StoreNotification, new_entries),
    st.builds(StoreNotification, new_entries),
    st.builds(StoreNotification, new_entries),
    st.builds(MarkRead, ids),
    st.builds(DeleteNotification, ids),
    st.builds(MarkAllRead),
    st.builds(ClearNotifications),
)
batches = st.lists(st.lists(commands, max_size=12), min_size=1, max_size=4)
statuses = st.sampled_from([None, *NotificationStatus])


@pytest.fixture(scope="module")
def two_stores(new_store: NewStore) -> Iterator[list[Connection]]:
    engines = [open_writer(new_store()), open_writer(new_store())]
    connections = [engine.connect() for engine in engines]
    yield connections
    for connection in connections:
        connection.close()
        connection.engine.dispose()


def emptied(connection: Connection) -> Connection:
    with connection.begin():
        connection.execute(delete(notifications))
        connection.execute(delete(alarms))
    return connection


def expected(model: NotificationList, command: NotificationCommand) -> object:
    match command:
        case StoreNotification(notification):
            model.store(notification)
            return None
        case MarkRead(notification_id):
            return model.mark_read(notification_id)
        case DeleteNotification(notification_id):
            return model.delete(notification_id)
        case MarkAllRead():
            return model.mark_all_read()
        case ClearNotifications():
            return model.clear()


def run(connection: Connection, batch: Sequence[NotificationCommand], max_count: int) -> list[object]:
    return [*apply_to_notifications(connection, batch, max_count=max_count)]


@settings(max_examples=250, deadline=None)
@given(
    batches=batches,
    max_count=st.integers(1, 6),
    status=statuses,
    limit=st.integers(1, 8),
    offset=st.integers(0, 8),
)
def test_a_store_means_what_a_list_means(
    two_stores: list[Connection],
    batches: list[list[NotificationCommand]],
    *,
    max_count: int,
    status: NotificationStatus | None,
    limit: int,
    offset: int,
) -> None:
    batched, single = map(emptied, two_stores)
    model = NotificationList(max_count)
    for batch in batches:
        outcomes = [expected(model, command) for command in batch]
        assert run(batched, batch, max_count) == outcomes
        assert [outcome for command in batch for outcome in run(single, [command], max_count)] == outcomes
        for connection in (batched, single):
            with connection.begin():
                table = NotificationTable(connection)
                assert table.page(status, limit, offset) == model.page(status, limit, offset)
                assert table.page(None, 100, 0) == model.page(None, 100, 0)
                counted = table.statistics()
                assert counted == model.statistics()
                assert counted.total == counted.unread + counted.read == sum(counted.by_type.values())
                assert [table.fetch(entry.id) for entry in model.entries] == model.entries
