"""One transaction for many commands, without letting one of them spoil it for the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from pushserver.domain import StoreUnavailable
from pushserver.store.database import sync
from pushserver.store.errors import CommandRefused, outages_as_store_unavailable

Command = TypeVar("Command")
Outcome = TypeVar("Outcome")

Execute = Callable[[Sequence[Command]], Sequence[Outcome]]
"""Executes commands in the connection's transaction; one outcome a command, in order."""


def in_one_transaction(
    connection: Connection, commands: Sequence[Command], execute: Execute[Command, Outcome]
) -> list[Outcome | CommandRefused | StoreUnavailable]:
    """Execute the commands in one transaction and commit it. Returns one outcome a command, in order.

    ``connection`` is one of a writer's engine, in no transaction, and is in none afterwards either.

    Raises ``StoreUnavailable`` when nothing of the batch was stored, or when the disk failed in syncing it. A
    command that the database refuses for its own sake takes nobody with it: the batch is then done again, one
    command a transaction, and the outcome of that command is :class:`CommandRefused` (or ``StoreUnavailable``
    where the store went away in the middle).
    """
    try:
        return [*_commit(connection, commands, execute)]
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001 - whatever one command brought with it, the others did not
        return [_commit_alone(connection, command, execute) for command in commands]


def _commit(
    connection: Connection, commands: Sequence[Command], execute: Execute[Command, Outcome]
) -> Sequence[Outcome]:
    with outages_as_store_unavailable(), connection.begin():
        outcomes = execute(commands)
    sync(connection)
    return outcomes


def _commit_alone(
    connection: Connection, command: Command, execute: Execute[Command, Outcome]
) -> Outcome | CommandRefused | StoreUnavailable:
    try:
        return _commit(connection, [command], execute)[0]
    except StoreUnavailable as outage:
        return outage
    except Exception as fault:  # noqa: BLE001 - see in_one_transaction
        refusal = CommandRefused(f"the store refuses this {type(command).__name__}: {type(fault).__name__}")
        refusal.__cause__ = fault
        return refusal
