"""Puts a configuration into effect: one of these in the whole service, in its first process.

The order makes it safe. The new settings are checked first; they lie on the shelf before anybody is told;
and whoever starts looks there. So a process that dies, or is born, in the middle goes by them all the same.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors import Actor, Context, receives
from pushserver.api import Outcome, Reloaded
from pushserver.config import Change, ConfigError, Effect, Fault, Settings, compare
from pushserver.config.apart import PATIENCE, Source, read_apart
from pushserver.config.errors import NotRead
from pushserver.service.follower import Standing
from pushserver.service.shelf import Shelf

_log = logging.getLogger(__name__)

RELOADER: Final = "reloader"
"""What it is called in the first process."""
DEADLINE: Final = PATIENCE + 30.0
"""Seconds that it may be busy with one message."""
_MOST_NAMED: Final = 20
_NO_FILE: Final = Fault("configuration", None, "", "no file", "a service that was started with one")


@dataclass(frozen=True, slots=True)
class Reload:
    """Put the service's own file into effect. Reply: :class:`~pushserver.api.Reloaded`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Compare the service's own file, or ``text``, with what is in effect. Reply: as for :class:`Reload`."""

    text: str | None


class Reloader(Actor):
    """Reads, checks, compares, and tells all processes.

    ``spread`` has every process go by what lies on the ``shelf``, and returns those that do not, with the
    reason. The ``standing`` is that of its own process; without a ``source`` there is nothing to reload.
    """

    def __init__(
        self,
        context: Context,
        *,
        source: Source | None,
        shelf: Shelf,
        standing: Standing,
        spread: Callable[[], Mapping[str, str]],
    ) -> None:
        super().__init__(context)
        self._source = source
        self._shelf = shelf
        self._standing = standing
        self._spread = spread

    @receives(Reload)
    def reload(self, _: Reload) -> Reloaded:
        """Everything, or nothing."""
        reloaded = self._reload()
        _report(reloaded)
        return reloaded

    @receives(Preview)
    def preview(self, preview: Preview) -> Reloaded:
        """Nothing changes."""
        read = self._read(preview.text)
        if isinstance(read, Reloaded):
            return read
        return Reloaded(Outcome.COMPARED, compare(self._in_effect(), read))

    def _reload(self) -> Reloaded:
        read = self._read(None)
        if isinstance(read, Reloaded):
            return read
        changes = compare(self._in_effect(), read)
        if any(change.effect is Effect.RESTART for change in changes):
            return Reloaded(Outcome.NEEDS_RESTART, changes)
        return self._put_into_effect(read, changes)

    def _put_into_effect(self, settings: Settings, changes: Sequence[Change]) -> Reloaded:
        if changes:
            try:
                self._shelf.leave(settings)
            except OSError as error:
                return Reloaded(Outcome.UNCERTAIN, detail=f"无法保存新配置: {error.strerror}")
        missing = self._spread()
        if missing:
            detail = "; ".join(f"{process} {why}" for process, why in missing.items())
            return Reloaded(Outcome.UNCERTAIN, changes, detail=f"部分进程未及时跟随: {detail}")
        return Reloaded(Outcome.APPLIED, changes)

    def _read(self, text: str | None) -> Settings | Reloaded:
        if self._source is None:
            return Reloaded(Outcome.FAULTY, faults=(_NO_FILE,))
        try:
            with self.unhurried():
                return read_apart(self._source, text).settings
        except ConfigError as error:
            return Reloaded(Outcome.FAULTY, faults=error.faults)
        except NotRead as error:
            return Reloaded(Outcome.UNCERTAIN, detail=str(error))

    def _in_effect(self) -> Settings:
        """What lies on the shelf, even if this process has not heard of it yet."""
        newer = self._shelf.newer_than(self._standing.number)
        return newer[1] if newer else self._standing.settings


def _report(reloaded: Reloaded) -> None:
    if reloaded.outcome is Outcome.APPLIED:
        changed = [change.path for change in reloaded.changes]
        fields = {"changed": len(changed), "paths": changed[:_MOST_NAMED]}
        _log.info("配置已重新加载", extra={"action": "config_reloaded", **fields})
    else:
        error = "; ".join(_reasons(reloaded))
        _log.error("配置未能重新加载", extra={"action": "config_reload_failed", "error": error})


def _reasons(reloaded: Reloaded) -> list[str]:
    match reloaded.outcome:
        case Outcome.FAULTY:
            return [str(fault) for fault in reloaded.faults[:_MOST_NAMED]]
        case Outcome.NEEDS_RESTART:
            needing = [change.path for change in reloaded.changes if change.effect is Effect.RESTART]
            return [f"需要重启服务才能生效: {', '.join(needing[:_MOST_NAMED])}"]
        case _:
            return [reloaded.detail]
