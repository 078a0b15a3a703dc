"""From DATA to a mail that can be stored: reads the message, looks at its header, puts our line in front."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import Mail, MailContent
from pushserver.relay import replies
from pushserver.relay.budget import Share
from pushserver.relay.fingerprint import Fingerprint
from pushserver.relay.header import as_text
from pushserver.relay.house import House
from pushserver.relay.inbound import Inbound
from pushserver.relay.incoming import IncomingMessage
from pushserver.relay.received import MOST_HOPS, Hop, received_line
from pushserver.relay.reception import Reception

_SUBJECT: Final = 200
_MESSAGE_ID: Final = 998


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends, as the session knows it, and the envelope."""

    greeting: str
    address: str
    encrypted: bool
    sender: str
    recipients: tuple[str, ...]

    def hop(self, host: str, mail_id: str) -> Hop:
        """For the ``Received`` line."""
        only = self.recipients[0] if len(self.recipients) == 1 else ""
        return Hop(self.greeting, self.address, host, mail_id, self.encrypted, only)


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail to be stored, and its digest (:mod:`~.fingerprint`)."""

    mail: Mail
    digest: str = field(repr=False)


async def take(house: House, inbound: Inbound, share: Share, origin: Origin) -> Taken | str:
    """The mail, or the reply that refuses it.

    Raises:
        ClientGone, TooSlow, Endless: the message has no end.
    """
    at = house.now()
    mail_id = house.new_id(at.astimezone())
    trace = received_line(origin.hop(house.hostname, mail_id), at.astimezone())
    message = IncomingMessage(mail_id, trace, house.spool, house.disk)
    try:
        refusal = await Reception(inbound, message, share, house.limits).run()
        if refusal is None and message.fingerprint.count(b"received") > MOST_HOPS:
            refusal = replies.CONTENT_LOOP
        return refusal or _taken(origin, message, mail_id, at, await message.complete())
    except StoreUnavailable:
        return replies.NO_ROOM
    finally:
        message.discard()


def _taken(
    origin: Origin, message: IncomingMessage, mail_id: str, at: datetime, content: MailContent
) -> Taken:
    seen: Fingerprint = message.fingerprint
    mail = Mail(
        id=mail_id,
        sender=origin.sender,
        recipients=origin.recipients,
        received_at=at,
        size=message.size,
        subject=as_text(seen.value(b"subject"), _SUBJECT),
        message_id=as_text(seen.value(b"message-id"), _MESSAGE_ID),
        content=content,
    )
    return Taken(mail, seen.digest(origin.sender, origin.recipients))
