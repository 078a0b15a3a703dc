"""Reading about mails from any thread and process, beside the actor that writes them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from pushserver.domain.mail import MailBacklog, MailCounts, MailPage, MailState
from pushserver.store.errors import outages_as_store_unavailable
from pushserver.store.mail_lists import MailLists


class MailReader:
    """What was committed, as of the moment of the call; safe to share between threads.

    ``engine`` is :func:`~pushserver.store.database.open_reader`'s. All methods raise ``StoreUnavailable``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, state: MailState | None, limit: int, offset: int) -> MailPage:
        """See :meth:`~pushserver.store.mail_lists.MailLists.page`."""
        with self._lists() as lists:
            return lists.page(state, limit, offset)

    def backlog(self) -> MailBacklog:
        """The mails that somebody waits for, in figures."""
        with self._lists() as lists:
            return lists.backlog()

    def counts(self) -> dict[str, MailCounts]:
        """The counters of every account that ever counted."""
        with self._lists() as lists:
            return lists.counts()

    @contextmanager
    def _lists(self) -> Iterator[MailLists]:
        """In a transaction: a page and its total are of the same moment."""
        with outages_as_store_unavailable(), self._engine.begin() as connection:
            yield MailLists(connection)
