"""On the path of a service, makes a part of it crash on every message; ``FAULTY`` says which.

An address: that actor. ``messages``: whatever comes from another process. ``transport``: the line to the
other processes cannot even be opened.
"""

import os
from typing import Any

from actors import Actor
from actors.processes import Transport

_FAULTY = os.environ["FAULTY"]
_begin = Actor.begin


def _crash(*_: Any) -> None:
    raise RuntimeError("injected")


def _begin_with_fault(actor: Actor) -> None:
    if str(actor.context.address) == _FAULTY:
        vars(actor)["receive_batch"] = _crash
    _begin(actor)


match _FAULTY:
    case "messages":
        vars_of_transport = {"_take_tell": _crash, "_take_ask": _crash}
    case "transport":
        vars_of_transport = {"start": _crash}
    case _:
        vars_of_transport = {}

for _name, _method in vars_of_transport.items():
    setattr(Transport, _name, _method)
setattr(Actor, "begin", _begin_with_fault)  # noqa: B010 - mypy lets nobody assign to a method
