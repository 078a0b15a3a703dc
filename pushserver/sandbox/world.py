"""Everything in a sandbox: its address, its robots, its mail sinks, and what arrived at any of them."""

from collections.abc import Callable

from pushserver.sandbox.errors import NotRunningError
from pushserver.sandbox.journal import KEEP, Arrival, Bell, Entry, Journal
from pushserver.sandbox.mail import Mail
from pushserver.sandbox.mail_sink import MailSink
from pushserver.sandbox.registry import Registry
from pushserver.sandbox.robot import Clock, Robot


class World:
    """What the Python API and the admin API both look at and change.

    Attributes:
        bell: rings for every arrival.
        registry: the robots.
        clock: seconds since the epoch.
        keep: how many arrivals a journal keeps.
        permissive: whether an unknown token makes a robot.
    """

    def __init__(self, *, clock: Clock, keep: int, permissive: bool) -> None:
        self.bell = Bell()
        self.clock = clock
        self.keep = keep
        self.permissive = permissive
        self.registry = Registry(
            bell=self.bell, clock=clock, base=lambda: self.url, keep=keep, permissive=permissive
        )
        self._url: str | None = None
        self._sinks: dict[str, MailSink] = {}

    @property
    def url(self) -> str:
        """Where the sandbox listens.

        Raises:
            NotRunningError: it does not.
        """
        if self._url is None:
            raise NotRunningError(
                "the sandbox has no address; use it as a context manager or call start() first"
            )
        return self._url

    def move_to(self, url: str | None) -> None:
        """Note where the sandbox listens now; ``None``: nowhere."""
        self._url = url

    @property
    def robots(self) -> list[Robot]:
        """All robots, in the order in which they were made."""
        return self.registry.robots

    @property
    def sinks(self) -> list[MailSink]:
        """All mail sinks, in the order in which they were made."""
        return list(self._sinks.values())

    def add(self, sink: MailSink) -> None:
        """Add a mail sink."""
        self._sinks[sink.name] = sink

    @property
    def count(self) -> int:
        """How much arrived in all, refused and forgotten ones too, since the last :meth:`clear`."""
        return sum(journal.count for journal in self._journals())

    def arrivals(self, after: int = 0, limit: int = KEEP) -> list[Entry]:
        """The newest ``limit`` of what arrived after number ``after`` and is kept, oldest first."""
        found: list[Entry] = [entry for journal in self._journals() for entry in journal.after(after)]
        found.sort(key=lambda entry: entry.number)
        return found[-limit:] if limit else []

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> None:
        """Wait until ``predicate()`` holds; it is asked again after every arrival.

        Raises:
            NothingArrivedError: it did not hold within ``timeout`` seconds.
        """
        self.bell.wait_for(predicate, timeout, lambda: f"{self.count} arrived")

    def clear(self) -> None:
        """Forget everything that arrived."""
        for journal in self._journals():
            journal.clear()

    def _journals(self) -> list[Journal[Arrival] | Journal[Mail]]:
        robots, sinks = (robot.journal for robot in self.robots), (sink.journal for sink in self.sinks)
        return [*robots, self.registry.strays, *sinks]
