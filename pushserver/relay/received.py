"""The line that says how a mail came here: RFC 5321 section 4.4, the words of RFC 3848."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

MOST_HOPS: Final = 100
"""A mail with more lines of this kind goes round in circles (RFC 5321 section 6.3: at least 100)."""

_LONGEST_GREETING: Final = 255
_UNFIT: Final = re.compile(r"[^A-Za-z0-9.\-_:\[\]]")


@dataclass(frozen=True, slots=True)
class Hop:
    """A mail's way into this server. ``greeting`` is what the client called itself, whatever that was.

    ``recipient`` is the only one, or empty: with several, the line would tell each of the others.
    """

    greeting: str
    address: str
    host: str
    mail_id: str
    encrypted: bool
    recipient: str = ""


def received_line(hop: Hop, at: datetime) -> bytes:
    """The ``Received`` field with its folds and its line end; ``at`` is aware."""
    greeting = _UNFIT.sub("?", hop.greeting[:_LONGEST_GREETING]) or "?"
    protocol = "ESMTPSA" if hop.encrypted else "ESMTPA"
    lines = [
        f"Received: from {greeting} ({_literal(hop.address)})",
        f"by {hop.host} (PushServer) with {protocol} id {hop.mail_id}",
        *([f"for <{hop.recipient}>"] if hop.recipient else []),
    ]
    return ("\r\n\t".join(lines) + f";\r\n\t{format_datetime(at)}\r\n").encode("ascii", "replace")


@lru_cache(maxsize=256)
def _literal(address: str) -> str:
    """RFC 5321 section 4.1.3; an IPv4 client on a socket for both kinds is shown as one."""
    try:
        known = ip_address(address)
    except ValueError:
        return "[unknown]"
    if isinstance(known, IPv6Address):
        mapped = known.ipv4_mapped
        return f"[{mapped}]" if mapped else f"[IPv6:{known}]"
    return f"[{known}]"
