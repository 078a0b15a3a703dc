"""The header of a message as bytes: where it ends, and its fields, each with its folds and its line end.

RFC 5322 section 2.2. Nothing is decoded and nothing tidied up: joined again, the fields are what was read.
"""

import re
from collections.abc import Iterable, Sequence
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final, NamedTuple

_CRLF: Final = b"\r\n"
_FOLD: Final = re.compile(rb"\r\n(?=[ \t])")
_LONGEST_CHARACTER: Final = 16
"""Bytes of one of three octets in quoted-printable, with its share of the encoded word's frame."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_NAME: Final = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:")
"""RFC 5322 section 3.6.8; white space in front of the colon is obsolete and still read (section 4.5)."""


class Field(NamedTuple):
    """One field: its ``name`` in lower case, empty for a line that is none, and all of its bytes."""

    name: bytes
    raw: bytes

    @property
    def value(self) -> bytes:
        """What stands behind the colon, unfolded, without the white space around it."""
        return _FOLD.sub(b"", self.raw.partition(b":")[2]).strip()


def header_end(content: bytes) -> int:
    """Where the header ends: behind the last field's line end, in front of the empty line.

    A message without an empty line is a header as a whole.
    """
    if content.startswith(_CRLF):
        return 0
    end = content.find(b"\r\n\r\n")
    return len(content) if end < 0 else end + 2


def fields_of(header: bytes) -> list[Field]:
    """The fields in their order. A line that is no field (mbox has such) is one without a name."""
    raw_fields: list[list[bytes]] = []
    for line in _lines(header):
        if raw_fields and line[:1] in (b" ", b"\t"):
            raw_fields[-1].append(line)
        else:
            raw_fields.append([line])
    return [Field(_name_of(lines[0]), b"".join(lines)) for lines in raw_fields]


def joined(fields: Iterable[Field]) -> bytes:
    """The bytes of these fields."""
    return b"".join(field.raw for field in fields)


def first(fields: Sequence[Field], name: bytes) -> Field | None:
    """The first of this name."""
    return next((field for field in fields if field.name == name), None)


def as_text(value: bytes, limit: int) -> str:
    """A value for people: encoded words decoded, control characters gone, so many characters at most.

    Only as much of it is looked at as so many characters may take: decoding takes quadratic time on some.
    """
    text = value[: limit * _LONGEST_CHARACTER].decode("utf-8", "replace")
    if "=?" in text:
        text = _decoded(text)
    return _CONTROL.sub(" ", text).strip()[:limit]


def _decoded(text: str) -> str:
    """Pieces between encoded words come back as bytes in which other letters are escaped."""
    try:
        pieces = decode_header(text)
        return "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "raw-unicode-escape", "replace")
            for piece, charset in pieces
        )
    except (HeaderParseError, LookupError, ValueError):
        return text


def _lines(header: bytes) -> Iterable[bytes]:
    *lines, last = header.split(_CRLF)
    yield from (line + _CRLF for line in lines)
    if last:
        yield last


def _name_of(line: bytes) -> bytes:
    found = _NAME.match(line)
    return found[1].lower() if found else b""
