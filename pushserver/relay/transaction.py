"""A mail transaction up to its content: sender, recipients, and the reply about each (RFC 5321, 3.3)."""

from collections.abc import Callable
from typing import Final

from aiosmtpd.smtp import Envelope

from pushserver.relay import replies
from pushserver.relay.limits import Limits
from pushserver.relay.path import BadPath, ForeignAddress, Path, is_complete, is_routed, parse_path

_MAIL_USAGE: Final = "MAIL FROM:<address> [SP parameters]"
_RCPT_USAGE: Final = "RCPT TO:<address>"
_MOST_DIGITS: Final = 20
"""RFC 1870 section 3."""


class Transaction(Envelope):
    """aiosmtpd's envelope; ``mail_from`` is ``None`` before MAIL and empty for the null sender."""

    def begin(self, argument: str, limits: Limits, has_room: Callable[[int], bool]) -> str:
        """MAIL: the reply. ``has_room`` says whether a message of so many bytes can be taken now."""
        if self.mail_from is not None:
            return replies.NESTED_MAIL
        path = _read(argument, "FROM", _MAIL_USAGE)
        if isinstance(path, str):
            return path
        size = path.parameters.get("SIZE", "0")
        refusal = _refused_parameter(path, size)
        if refusal is None and int(size) > limits.message_bytes:
            refusal = replies.CONTENT_TOO_LARGE
        if refusal is None and not has_room(int(size)):
            refusal = replies.NO_ROOM
        if refusal is None:
            self.mail_from = path.address
        return refusal or replies.SENDER_OK

    def add(self, argument: str, limits: Limits) -> str:
        """RCPT: the reply. A recipient who is named twice is one."""
        if self.mail_from is None:
            return replies.NO_MAIL
        path = _read(argument, "TO", _RCPT_USAGE)
        if isinstance(path, str):
            return path
        refusal = _refused_recipient(path)
        if refusal is not None:
            return refusal
        if path.address not in self.rcpt_tos:
            if len(self.rcpt_tos) >= limits.recipients:
                return replies.RECIPIENTS_TOO_MANY
            self.rcpt_tos.append(path.address)
        return replies.RECIPIENT_OK


def _read(argument: str, keyword: str, usage: str) -> Path | str:
    try:
        return parse_path(argument, keyword)
    except ForeignAddress:
        return replies.NON_ASCII
    except BadPath:
        return replies.syntax(usage)


def _refused_parameter(path: Path, size: str) -> str | None:
    """``AUTH=`` is taken and not believed: there is one user, who may send for everybody (RFC 4954, 5)."""
    parameters = path.parameters
    if parameters.get("BODY", "7BIT").upper() not in {"7BIT", "8BITMIME"}:
        return replies.syntax("BODY=7BIT or BODY=8BITMIME")
    if not (size.isdecimal() and size.isascii() and len(size) <= _MOST_DIGITS):
        return replies.syntax("SIZE=number")
    if "SMTPUTF8" in parameters:
        return replies.NON_ASCII
    return None if parameters.keys() <= {"SIZE", "BODY", "AUTH"} else replies.NO_SUCH_PARAMETER


def _refused_recipient(path: Path) -> str | None:
    if path.parameters:
        return replies.NO_SUCH_PARAMETER
    if not path.address:
        return replies.syntax(_RCPT_USAGE)
    if is_routed(path.address):
        return replies.RECIPIENT_ROUTED
    return None if is_complete(path.address) else replies.RECIPIENT_INCOMPLETE
