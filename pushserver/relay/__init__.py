"""The SMTP relay: what clients talk to, and what becomes of the mails that it has taken."""

from pushserver.relay.asking import StoreDesk
from pushserver.relay.content import FromPolicy, OutgoingStream, envelope_sender, outgoing
from pushserver.relay.door import SmtpDoor
from pushserver.relay.errors import NoGreeting, UnusableCertificate
from pushserver.relay.house import Access, Tally
from pushserver.relay.limits import Limits
from pushserver.relay.sasl import Credentials
from pushserver.relay.server import DoorPlan, SmtpServer
from pushserver.relay.seven_bit import as_seven_bit, is_seven_bit
from pushserver.relay.tls import server_context

__all__ = [
    "Access",
    "Credentials",
    "DoorPlan",
    "FromPolicy",
    "Limits",
    "NoGreeting",
    "OutgoingStream",
    "SmtpDoor",
    "SmtpServer",
    "StoreDesk",
    "Tally",
    "UnusableCertificate",
    "as_seven_bit",
    "envelope_sender",
    "is_seven_bit",
    "outgoing",
    "server_context",
]
