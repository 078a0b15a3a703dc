"""Asking every process of a service at once, through the operator that stands in each."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from actors import ActorError, ActorNotFound, ActorSystem, ActorUnavailable, Address, State
from actors.operator import NAME
from pushserver.service.layout import Layout

PATIENCE = 1.0
"""Seconds that a process has to answer."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What a process answers that does not.

    It is not there (``STOPPED``), has not got its actors yet (``RESTARTING``), or hangs (``STUCK``).
    """

    state: State
    why: str


class Census:
    """Asks the processes of a service; safe to share between threads.

    One that does not answer in time is reported as such and keeps nobody waiting.
    """

    def __init__(self, system: ActorSystem, layout: Layout) -> None:
        self._system = system
        self.layout = layout

    def ask(self, process: str, question: object) -> Any:
        """What a process's operator says; a :class:`Silence`, or its ``ActorNotFound``, is an answer too."""
        operator = Address(process, (NAME,))
        try:
            return self._system.ref_at(operator).ask(question, timeout=PATIENCE)
        except ActorNotFound as unknown:
            if unknown.address == str(operator):  # it can be reached before its actors are there
                return Silence(State.RESTARTING, "is starting")
            return unknown
        except ActorUnavailable:
            return Silence(State.STOPPED, "is not there")
        except ActorError as error:
            return Silence(State.STUCK, str(error))

    def ask_all(self, question: object) -> Mapping[str, Any]:
        """The same of all processes, in the order of the layout."""
        return self.ask_each(dict.fromkeys(self.layout.processes, question))

    def ask_each(self, questions: Mapping[str, object]) -> Mapping[str, Any]:
        """The same of each with its own question, all at the same time."""
        with ThreadPoolExecutor(len(questions)) as pool:
            answers: Iterable[Any] = pool.map(self.ask, questions, questions.values())
            return dict(zip(questions, answers, strict=True))
