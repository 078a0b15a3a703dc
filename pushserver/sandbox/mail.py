"""A mail as it arrived at the sink."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, from the first ``MAIL FROM`` to the final dot.

    Attributes:
        number: place in the order of arrival over the whole sandbox, from 1.
        at: the sandbox's clock, in seconds since the epoch.
        sink: the name of the sink.
        sender: the envelope's sender; empty for ``<>``.
        mailboxes: the envelope's accepted mailboxes.
        refused: pairs of mailbox and reply for those that were refused before.
        raw: the message's bytes, dots unstuffed.
        accepted: whether it was taken over (true too where only the reply was lost).
        reply: what was replied after the final dot.
        peer: the caller's address.
        login: the name it logged in with; ``None`` without AUTH.
        tls: whether the connection was encrypted.
        answered: false when the connection was closed instead of a reply.
    """

    number: int
    at: float
    sink: str
    sender: str
    mailboxes: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    raw: bytes
    accepted: bool
    reply: str
    peer: str
    login: str | None
    tls: bool
    answered: bool = True

    @property
    def message(self) -> EmailMessage:
        """The parsed message."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message.get("Subject", ""))

    @property
    def text(self) -> str:
        """The plain text, decoded, lines parted by a line feed; empty when there is none."""
        return _content(self.message, "plain")

    @property
    def html(self) -> str:
        """The HTML, decoded; empty when there is none."""
        return _content(self.message, "html")

    def as_json(self) -> dict[str, Any]:
        """For the admin API; of the message its subject, sender and both texts."""
        payload = {
            "subject": self.subject,
            "from": str(self.message.get("From", self.sender)),
            "sender": self.sender,
            "to": list(self.mailboxes),
            "refused": [{"mailbox": mailbox, "reply": reply} for mailbox, reply in self.refused],
            "text": self.text,
            "html": self.html,
            "login": self.login,
            "tls": self.tls,
        }
        return {
            "number": self.number,
            "at": self.at,
            "platform": "email",
            "robot": self.sink,
            "accepted": self.accepted,
            "code": int(self.reply[:3]),
            "text": self.reply,
            "payload": payload,
            "size": len(self.raw),
            "peer": self.peer,
            "answered": self.answered,
        }


def _content(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    if body is None:
        return ""
    try:
        return "\n".join(str(body.get_content()).splitlines())
    except LookupError:  # a charset that nobody knows
        payload: Any = body.get_payload(decode=True)
        return "\n".join(bytes(payload).decode("utf-8", "replace").splitlines())
