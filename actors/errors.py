"""What can go wrong between actors, in the words of whoever sent the message.

ActorError
├── ActorNotFound    nobody may live at this address; ``near`` holds similar ones
├── ActorFailed      the actor crashed on, or was replaced during, the message that was asked
├── ActorUnavailable the actor is parked or stopped and takes no messages now
├── AskTimeout       no answer within the deadline; the message may still be handled
├── MailboxFull      the bounded mailbox has no room; nothing was delivered
└── StartFailed      an actor that the system needs did not start
"""

from collections.abc import Sequence


class ActorError(Exception):
    """Base of all errors of the runtime."""


class ActorNotFound(ActorError):  # noqa: N818 - names what happened, as the field does
    """Nobody may live at this address."""

    def __init__(self, address: object, near: Sequence[str] = ()) -> None:
        self.address = str(address)
        self.near = tuple(near)
        hint = f"; near names: {', '.join(self.near)}" if self.near else ""
        super().__init__(f"no actor at {self.address}{hint}")

    def __reduce__(self) -> "tuple[type[ActorNotFound], tuple[str, tuple[str, ...]]]":
        """From its parts: pickled as other exceptions are, it would be made from its own text."""
        return type(self), (self.address, self.near)


class ActorFailed(ActorError):  # noqa: N818 - names what happened, as the field does
    """The actor failed while it had this message in its hands."""


class ActorUnavailable(ActorError):  # noqa: N818 - names a state
    """The actor takes no messages now: parked after too many failures, or stopped."""


class AskTimeout(ActorError):  # noqa: N818 - the field's term
    """No answer came within the deadline; the message may still be handled later."""


class MailboxFull(ActorError):  # noqa: N818 - names a state
    """The mailbox has no room for more work; nothing was delivered."""


class StartFailed(ActorError):  # noqa: N818 - names what happened
    """An actor that the system cannot do without did not start."""


class Fenced(BaseException):
    """Raised inside an abandoned actor that tries to speak: its successor speaks now.

    Not an :class:`Exception`, so that no handler of the abandoned code takes it for a mishap of its own.
    """
