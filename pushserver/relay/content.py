"""What an account changes in a message before it sends it; everything else stays byte for byte.

The whole list:

* ``Bcc``, ``Resent-Bcc`` and ``Return-Path`` go: blind copies are the envelope's business, the return path
  is the last server's (RFC 5321 section 4.4).
* ``rewrite``, when the account's address is not in ``From`` already: it takes the place of the address there,
  the display name stays; the old address becomes ``Reply-To`` where there is none; ``DKIM-Signature`` goes,
  since every one signs ``From`` (RFC 6376 section 5.4) and a broken one is worse than none. A message without
  ``From`` gets one.

``envelope`` and ``keep`` leave ``From`` alone; they differ in :func:`envelope_sender`. What the door changes
is in :mod:`pushserver.relay.received` and :mod:`pushserver.relay.decoder`; what a server without 8BITMIME
needs is in :mod:`pushserver.relay.seven_bit`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile, takewhile
from typing import Final, Literal

from pushserver.platforms import Streamed
from pushserver.relay.header import Field, fields_of, first, header_end, joined
from pushserver.relay.mailbox_list import Mailbox, mailboxes

FromPolicy = Literal["rewrite", "envelope", "keep"]
"""``smtp_relay.from_policy``."""

_PRIVATE: Final = frozenset({b"bcc", b"resent-bcc", b"return-path"})
_SIGNATURE: Final = b"dkim-signature"
_UNSAFE: Final = frozenset(b'@"\\(),:;<>[]')
_COMMENT: Final = re.compile(rb"\([^()\\]*\)")
_QUIET: Final = re.compile(_COMMENT.pattern + rb'|"(?:[^"\\]|\\.)*"', re.DOTALL)
"""Where separators separate nothing."""
_LISTED: Final = re.compile(rb"[,:;]")


def outgoing(content: bytes, policy: FromPolicy, account: str) -> bytes:
    """The message as the account with the address ``account`` sends it."""
    end = header_end(content)
    return _changed(content[:end], policy, account) + content[end:]


class OutgoingStream:
    """:func:`outgoing` of a message that is not in memory. A :class:`~pushserver.platforms.Streamed`."""

    def __init__(self, message: Streamed, policy: FromPolicy, account: str) -> None:
        head = _head_of(message)
        self._message = message
        self._header_end = header_end(head)
        self._header = _changed(head[: self._header_end], policy, account)

    def __len__(self) -> int:
        """Bytes."""
        return len(self._header) + len(self._message) - self._header_end

    def isascii(self) -> bool | None:
        """Whether the message is as it came, if that is known: a header that is not may have lost that."""
        return self._message.isascii()

    def __iter__(self) -> Iterator[bytes]:
        """From the beginning, each time."""
        yield self._header
        skipped = self._header_end
        for piece in self._message:
            if skipped < len(piece):
                yield piece[skipped:]
            skipped = max(skipped - len(piece), 0)


def _head_of(message: Streamed) -> bytes:
    """The message up to a piece behind its header's end: the door takes none with a very long one."""
    head = b""
    for piece in message:
        head += piece
        if header_end(head) < len(head):
            break
    return head


def _changed(header: bytes, policy: FromPolicy, account: str) -> bytes:
    fields = [field for field in fields_of(header) if field.name not in _PRIVATE]
    if policy == "rewrite":
        fields = _as_from(fields, account.encode())
    return joined(fields)


def envelope_sender(sender: str, policy: FromPolicy, account: str) -> str:
    """The envelope's sender as the account gives it; the null sender stays null under every policy."""
    return sender if policy == "keep" or not sender else account


def _as_from(fields: list[Field], account: bytes) -> list[Field]:
    old = [box for field in fields if field.name == b"from" for box in mailboxes(_body(field))]
    if [box.address.lower() for box in old] == [account.lower()]:
        return fields
    fields = [field for field in fields if field.name != _SIGNATURE]
    if first(fields, b"from") is None:
        return [*_trace(fields), Field(b"from", b"From: <" + account + b">\r\n"), *_behind_trace(fields)]
    return [part for field in fields for part in _rewritten(field, fields, old, account)]


def _trace(fields: Sequence[Field]) -> Iterator[Field]:
    return takewhile(_is_trace, fields)


def _behind_trace(fields: Sequence[Field]) -> Iterator[Field]:
    return dropwhile(_is_trace, fields)


def _is_trace(field: Field) -> bool:
    """Nothing may come in front of a header's first line when it looks like a fold, either."""
    return field.name == b"received" or field.raw.startswith((b" ", b"\t"))


def _rewritten(field: Field, fields: Sequence[Field], old: Sequence[Mailbox], account: bytes) -> list[Field]:
    """A field, and behind the first ``From`` the ``Reply-To``, if it is needed and possible."""
    if field.name != b"from":
        return [field]
    rewritten = [_from(field, account)]
    if field is first(fields, b"from") and first(fields, b"reply-to") is None and any(_complete(old)):
        addresses = b",\r\n ".join(dict.fromkeys(_complete(old)))
        rewritten.append(Field(b"reply-to", b"Reply-To: " + addresses + b"\r\n"))
    return rewritten


def _complete(boxes: Sequence[Mailbox]) -> Iterator[bytes]:
    """Those that an answer can go to."""
    return (box.address for box in boxes if b"@" in box.address)


def _from(field: Field, account: bytes) -> Field:
    """The field's name, the display name and the folds as they are, the account's address for the first."""
    name, colon, body = field.raw.partition(b":")
    found = mailboxes(body)
    if found and not _LISTED.search(_QUIET.sub(b"", body[: found[0].start])):
        address = found[0]
        after = body[address.end :]
        if _LISTED.search(_QUIET.sub(b"", after)):
            after = (b">" if after.startswith(b">") else b"") + b"\r\n"
        return Field(field.name, name + colon + body[: address.start] + account + after)
    display = field.value
    safe = not _UNSAFE.intersection(_COMMENT.sub(b"", display))
    shown = b" " + display if display and safe else b""
    return Field(field.name, name + colon + shown + b" <" + account + b">\r\n")


def _body(field: Field) -> bytes:
    """Everything behind the colon, folds and line end included."""
    return field.raw.partition(b":")[2]
