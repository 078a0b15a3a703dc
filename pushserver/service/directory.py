"""The actors of all processes as operators see them: one list, and restarts by address."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from actors import ActorNotFound, ActorStatus, Address, State
from actors.operator import ListActors, Listing, RestartActor, urgency
from pushserver.api import ActorPage, ActorQuery, ActorView, CannotRestart, NotRestarted, Restarted
from pushserver.service.census import Census, Silence

PROCESS_KIND: Final = "process"
"""What a process is in the list: its address has no path."""

_Answers = Mapping[str, Listing | Silence]


@dataclass(frozen=True, slots=True)
class Directory:
    """Finds, shows and restarts; what :class:`pushserver.api.Actors` promises.

    ``restart_process`` restarts a whole process by its name, without waiting.
    """

    census: Census
    restart_process: Callable[[str], None]

    # Showing -----------------------------------------------------------------------------------------

    def page(self, query: ActorQuery) -> ActorPage:
        """See :class:`pushserver.api.Actors`."""
        under = self._selected(query)
        if under is _NOWHERE:
            return ActorPage(0)
        last = query.offset + query.limit
        try:
            answers = self._ask(ListActors(query.state, query.kind, under, limit=last))
        except ActorNotFound:
            if query.recipient:  # a filter that nobody matches; an address is a name
                return ActorPage(0)
            raise
        views = [*self._processes(query, under, answers)]
        total = len(views)
        for answer in answers.values():
            if isinstance(answer, Listing):
                total += answer.total
                views += [ActorView(status, answer.pid) for status in answer.actors]
        views.sort(key=lambda view: urgency(view.status))
        return ActorPage(total, tuple(views[query.offset : last]), _silent(answers), _complete(answers))

    def _selected(self, query: ActorQuery) -> Address | None:
        """The subtree that both ``address`` and ``recipient`` leave; ``None`` is all."""
        address = self.resolve(query.address) if query.address else None
        if not query.recipient:
            return address
        recipient = self.census.layout.recipient(query.recipient)
        if address is None or recipient.is_under(address):
            return recipient
        return address if address.is_under(recipient) else _NOWHERE

    def _ask(self, wanted: ListActors) -> _Answers:
        processes = (wanted.under.process,) if wanted.under else self.census.layout.processes
        answers = self.census.ask_each(dict.fromkeys(processes, wanted))
        for answer in answers.values():
            if isinstance(answer, ActorNotFound):
                raise answer
        return answers

    def _processes(self, query: ActorQuery, under: Address | None, answers: _Answers) -> Iterator[ActorView]:
        if query.kind not in {"", PROCESS_KIND} or (under is not None and under.path):
            return
        for process, answer in answers.items():
            view = _view_process(process, answer)
            if query.state in {None, view.status.state}:
                yield view

    # Restarting --------------------------------------------------------------------------------------

    def restart(self, address: str) -> Restarted:
        """See :class:`pushserver.api.Actors`."""
        found = self.resolve(address)
        return self._restart_actor(found) if found.path else self._restart_process(found)

    def _restart_actor(self, address: Address) -> Restarted:
        answer = self.census.ask(address.process, RestartActor(address))
        if isinstance(answer, ActorNotFound):
            raise answer
        if isinstance(answer, Silence):
            raise NotRestarted(f"{address.process} {answer.why}")
        return Restarted(address, answer)

    def _restart_process(self, address: Address) -> Restarted:
        if self.census.layout.alone:
            raise CannotRestart(f"{address} 是整个服务，无法单独重启，请重启服务本身")
        answer = self.census.ask(address.process, ListActors(limit=0))
        self.restart_process(address.process)
        return Restarted(address, answer.restarts + 1 if isinstance(answer, Listing) else None)

    # Finding -----------------------------------------------------------------------------------------

    def resolve(self, text: str) -> Address:
        """Read an address as operators write it: the process may be left out where only one can be meant.

        Raises:
            ActorNotFound: it is none, or there is no such process, or several could be meant; holds near
                ones. What stands in the process is not looked at.
        """
        try:
            address = Address.parse(text, default_process="")
        except ValueError:
            raise ActorNotFound(text) from None
        if not address.process:
            address = self._placed(text, address.path)
        if address.process not in self.census.layout.processes:
            raise ActorNotFound(text, [f"/{name}" for name in self.census.layout.processes])
        owner = self._owner(address.path)
        if owner not in {None, address.process}:
            raise ActorNotFound(text, [str(Address(owner or "", address.path))])
        return address

    def _placed(self, text: str, path: tuple[str, ...]) -> Address:
        if path[0] in self.census.layout.processes:
            return Address(path[0], path[1:])
        if owner := self._owner(path):
            return Address(owner, path)
        homes, near = self._homes(path)
        if len(homes) == 1:
            return homes[0]
        raise ActorNotFound(text, [str(home) for home in homes] or near)

    def _owner(self, path: tuple[str, ...]) -> str | None:
        """The one process that a recipient belongs to."""
        is_of_recipient = len(path) > 1 and path[0] == "recipients"
        return self.census.layout.owner(path[1]) if is_of_recipient else None

    def _homes(self, path: tuple[str, ...]) -> tuple[list[Address], list[str]]:
        """Where there is, or may be, such an actor; and names that are near, from where there is none."""
        places = {process: Address(process, path) for process in self.census.layout.processes}
        answers = self.census.ask_each({name: ListActors(under=at, limit=0) for name, at in places.items()})
        near = {name: None for answer in answers.values() for name in getattr(answer, "near", ())}
        homes = [places[name] for name, answer in answers.items() if not isinstance(answer, ActorNotFound)]
        return homes, [*near]


_NOWHERE: Final = Address("")
"""What two filters leave that exclude each other."""


def _view_process(process: str, answer: Listing | Silence) -> ActorView:
    """A process as an item of the list; it has no mailbox of its own."""
    if isinstance(answer, Silence):
        return ActorView(_process_status(process, answer.state, error=answer.why), None)
    status = _process_status(process, State.RUNNING, restarts=answer.restarts, uptime=answer.uptime)
    return ActorView(status, answer.pid)


def _process_status(
    process: str, state: State, *, restarts: int = 0, uptime: float = 0.0, error: str = ""
) -> ActorStatus:
    return ActorStatus(
        address=Address(process),
        kind=PROCESS_KIND,
        state=state,
        mailbox=0,
        processed=0,
        failures=0,
        restarts=restarts,
        last_error=error,
        last_error_at=None,
        busy_for=0.0,
        uptime=uptime,
        oldest=0.0,
        busy_seconds=0.0,
    )


def _silent(answers: _Answers) -> Mapping[str, str]:
    return {process: answer.why for process, answer in answers.items() if isinstance(answer, Silence)}


def _complete(answers: _Answers) -> bool:
    return all(answer.complete for answer in answers.values() if isinstance(answer, Listing))
