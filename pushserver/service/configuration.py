"""The configuration as the HTTP door changes it: asks the reloader, wherever that stands."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from actors import ActorError, ActorNotFound, ActorSystem, ActorUnavailable, Address
from pushserver.api import Outcome, Reloaded
from pushserver.service.follower import FOLLOWER, Follow
from pushserver.service.layout import Layout
from pushserver.service.reloader import RELOADER, Preview, Reload

ANSWER_WITHIN: Final = 30.0
"""Seconds that a request waits."""
FOLLOW_WITHIN: Final = 10.0
"""Seconds that a process has to go by new settings."""


class Configuration:
    """What :class:`pushserver.api.Configuration` promises; safe to share between threads."""

    def __init__(self, system: ActorSystem, layout: Layout) -> None:
        self._system = system
        self._reloader = Address(layout.processes[0], (RELOADER,))

    def reload(self) -> Reloaded:
        """See :class:`pushserver.api.Configuration`."""
        return self._ask(Reload())

    def preview(self, text: str | None) -> Reloaded:
        """See :class:`pushserver.api.Configuration`."""
        return self._ask(Preview(text))

    def _ask(self, question: Reload | Preview) -> Reloaded:
        try:
            answer: Reloaded = self._system.ref_at(self._reloader).ask(question, timeout=ANSWER_WITHIN)
        except ActorError as error:
            return Reloaded(Outcome.UNCERTAIN, detail=str(error))
        return answer


def spread(system: ActorSystem, layout: Layout) -> Mapping[str, str]:
    """Have every process go by the settings in effect; those that do not answer, with the reason.

    One that is not there, or has no actors yet, is not missing: it looks at the shelf when it starts.
    """

    def ask(process: str) -> str:
        try:
            system.ref_at(Address(process, (FOLLOWER,))).ask(Follow(), timeout=FOLLOW_WITHIN)
        except (ActorNotFound, ActorUnavailable):
            return ""
        except ActorError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(layout.processes)) as pool:
        answers = dict(zip(layout.processes, pool.map(ask, layout.processes), strict=True))
    return {process: why for process, why in answers.items() if why}
