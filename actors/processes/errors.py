"""What can go wrong between processes, besides what can go wrong between actors.

ActorError
└── CannotTravel   a message or an answer is not plain data: it cannot leave its process
"""

from actors.errors import ActorError


class CannotTravel(ActorError, TypeError):  # noqa: N818 - names what happened
    """A message or an answer cannot be pickled, or not be read over there; nothing was delivered."""
