"""What a message is recognised by when a client sends it again: Message-ID, envelope and body.

A client that did not hear our 250 must send the mail again (RFC 1047). It may date it anew, so the rest of
the header does not count. A message without Message-ID is never recognised: identical mails of a cron job
are meant to arrive twice.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from pushserver.relay.header import Field, fields_of, first
from pushserver.relay.limits import HEADER_BYTES

_END: Final = b"\r\n\r\n"


class Fingerprint:
    """Fed with a message as it passes, of which it keeps the header alone."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._in_header = True
        self._body = sha256()
        self._fields: list[Field] | None = None

    @property
    def header_too_long(self) -> bool:
        """Is it longer than is looked into?"""
        return len(self._header) > HEADER_BYTES

    @property
    def fields(self) -> list[Field]:
        """The header's fields, once the message is complete."""
        if self._fields is None:
            self._fields = fields_of(bytes(self._header))
        return self._fields

    def feed(self, piece: bytes) -> None:
        """The next piece, with CRLF line ends."""
        if not self._in_header:
            self._body.update(piece)
        elif not self.header_too_long:
            self._search(piece)

    def value(self, name: bytes) -> bytes:
        """The first field's of this name, or empty."""
        field = first(self.fields, name)
        return field.value if field else b""

    def count(self, name: bytes) -> int:
        """How many fields have this name."""
        return sum(field.name == name for field in self.fields)

    def digest(self, sender: str, recipients: Sequence[str]) -> str:
        """Of the message with this envelope; empty when it has no Message-ID."""
        message_id = self.value(b"message-id")
        if not message_id:
            return ""
        envelope = "\n".join((sender, *sorted(recipients))).encode()
        return sha256(b"\0".join((message_id, envelope, self._body.digest()))).hexdigest()

    def _search(self, piece: bytes) -> None:
        """Look for the empty line where it may be; elsewhere, small pieces would cost quadratic time."""
        seen = max(len(self._header) - len(_END) + 1, 0)
        self._header += piece
        if self._header.startswith(b"\r\n"):
            self._end_header(0)
        elif (end := self._header.find(_END, seen)) >= 0:
            self._end_header(end + 2)

    def _end_header(self, end: int) -> None:
        self._in_header = False
        self._body.update(self._header[end:])
        del self._header[end:]
