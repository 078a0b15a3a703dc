"""The store: what was accepted, what became of it, and what was under way when a process died.

Migrations are apart (:func:`pushserver.store.migrations.migrate`): only the one process that runs them has to
load Alembic.
"""

from pushserver.store.actor import Estate, Retention, TaskStore
from pushserver.store.batch import PURGE_LIMIT, Outcome, TaskCommand, apply
from pushserver.store.database import BUSY_TIMEOUT, Durability, database_file, open_reader, open_writer
from pushserver.store.errors import (
    CommandRefused,
    NewerSchema,
    NotADatabase,
    StoreUnusable,
    StoreUnwritable,
    UnsupportedDatabase,
    outages_as_store_unavailable,
)
from pushserver.store.inflight import Held, InFlight, Recovered
from pushserver.store.mail_actor import MailEstate, MailStore
from pushserver.store.mail_batch import MAIL_PURGE_LIMIT, MailCommand, MailOutcome, apply_to_mails
from pushserver.store.mail_reader import MailReader
from pushserver.store.mails import RESENT_WITHIN, MailTable
from pushserver.store.notifications import NotificationTable
from pushserver.store.notifications_actor import NotificationStore
from pushserver.store.notifications_batch import (
    NotificationCommand,
    NotificationOutcome,
    apply_to_notifications,
)
from pushserver.store.notifications_reader import NotificationReader
from pushserver.store.reader import TaskReader
from pushserver.store.receipts import Receipts
from pushserver.store.spool import SPOOL_ABOVE, Spool, SpooledMessage, SpoolFile, read_content
from pushserver.store.tasks import TaskTable
from pushserver.store.wal import Checkpointer

__all__ = [
    "BUSY_TIMEOUT",
    "MAIL_PURGE_LIMIT",
    "PURGE_LIMIT",
    "RESENT_WITHIN",
    "SPOOL_ABOVE",
    "Checkpointer",
    "CommandRefused",
    "Durability",
    "Estate",
    "Held",
    "InFlight",
    "MailCommand",
    "MailEstate",
    "MailOutcome",
    "MailReader",
    "MailStore",
    "MailTable",
    "NewerSchema",
    "NotADatabase",
    "NotificationCommand",
    "NotificationOutcome",
    "NotificationReader",
    "NotificationStore",
    "NotificationTable",
    "Outcome",
    "Receipts",
    "Recovered",
    "Retention",
    "Spool",
    "SpoolFile",
    "SpooledMessage",
    "StoreUnusable",
    "StoreUnwritable",
    "TaskCommand",
    "TaskReader",
    "TaskStore",
    "TaskTable",
    "UnsupportedDatabase",
    "apply",
    "apply_to_mails",
    "apply_to_notifications",
    "database_file",
    "open_reader",
    "open_writer",
    "outages_as_store_unavailable",
    "read_content",
]
