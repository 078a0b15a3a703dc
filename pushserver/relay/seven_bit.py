"""A message for a server that takes nothing but ASCII in lines of at most 998 octets.

RFC 6152 section 3: a server without 8BITMIME gets the message in another transfer encoding, or not at all.
Each part's bytes stay the same once decoded, and the structure stays; a signature over what had to be encoded
(S/MIME, OpenPGP, DKIM) does not survive, as with every relay.
"""

import base64
import quopri
import re
from binascii import b2a_qp
from collections.abc import Iterator
from typing import Final

from pushserver.relay.header import Field, fields_of, first, header_end, joined

LONGEST_LINE: Final = 998
"""RFC 5322 section 2.1.1, without the line end."""

_DEEPEST: Final = 30
_WORD_OCTETS: Final = 45
"""In base64 with its frame, no longer than the 75 characters of RFC 2047 section 2."""
_CRLF: Final = b"\r\n"
_IDENTITY: Final = frozenset({b"", b"7bit", b"8bit", b"binary"})
_LONG_LINE: Final = re.compile(rb"^[^\r\n]{%d}" % (LONGEST_LINE + 1), re.MULTILINE)
_BOUNDARY: Final = re.compile(rb';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)+)"|([^\s;"]+))', re.IGNORECASE)
_FOREIGN: Final = re.compile(
    rb'(?:"[^"\x80-\xff]*[\x80-\xff][^"]*"|(?:(?<![!-~])[!-~]++)?[\x80-\xff][^\s"<>,;]*)'
)
"""Words that are not ASCII. Tried from the beginning of each word alone: a long one would take for ever."""
_FOREIGN_RUN: Final = re.compile(rb"(?:%b)(?:\s+(?:%b))*" % (_FOREIGN.pattern, _FOREIGN.pattern))
_SPACE: Final = re.compile(rb"[ \t](?=[^ \t])")
_FOLDED_AT: Final = 900


def is_seven_bit(content: bytes) -> bool:
    """Will every server take it as it is?"""
    return content.isascii() and _LONG_LINE.search(content) is None


def as_seven_bit(content: bytes) -> bytes:
    """The message with whatever is not :func:`is_seven_bit` encoded; the same object if there is nothing."""
    if is_seven_bit(content):
        return content
    end = header_end(content)
    fields = fields_of(content[:end])
    if first(fields, b"mime-version") is None:
        fields = _as_mime(fields, content[end:])
    return _entity(fields, content[end:], 0)


def _as_mime(fields: list[Field], body: bytes) -> list[Field]:
    """A message from before MIME says nothing of its letters: what they seem to be is said for it."""
    added = [Field(b"mime-version", b"MIME-Version: 1.0\r\n")]
    if first(fields, b"content-type") is None:
        charset = _charset(body)
        added.append(Field(b"content-type", b"Content-Type: text/plain; charset=" + charset + _CRLF))
    return [*fields, *added]


def _part(content: bytes, depth: int) -> bytes:
    if is_seven_bit(content):
        return content
    end = header_end(content)
    return _entity(fields_of(content[:end]), content[end:], depth)


def _entity(fields: list[Field], body: bytes, depth: int) -> bytes:
    """``body`` begins with the empty line."""
    header = [_ascii(field) for field in fields]
    if is_seven_bit(body):
        return joined(header) + body
    kind = _value(fields, b"content-type").partition(b";")[0].strip().lower() or b"text/plain"
    if kind.startswith((b"multipart/", b"message/")):
        inside = _multipart(fields, body, depth) if kind.startswith(b"multipart/") else _message(body, depth)
        return joined(_with_encoding(header, b"7bit")) + inside
    encoding, text = _encoded(_plain(fields, body[2:]), readable=kind.startswith(b"text/"))
    return joined(_with_encoding(header, encoding)) + _CRLF + text


def _message(body: bytes, depth: int) -> bytes:
    return _CRLF + _part(body[2:], depth + 1) if depth < _DEEPEST else body


def _multipart(fields: list[Field], body: bytes, depth: int) -> bytes:
    """Each part by itself; what stands before the first and behind the last is seen by nobody."""
    found = _BOUNDARY.search(_value(fields, b"content-type"))
    if found is None or depth >= _DEEPEST:
        return body
    boundary = re.sub(rb"\\(.)", rb"\1", found[1]) if found[1] else found[2]
    delimiter = re.compile(rb"\r\n--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?=\r\n|\Z)")
    return b"".join(_parts(delimiter, body, depth))


def _parts(delimiter: re.Pattern[bytes], body: bytes, depth: int) -> Iterator[bytes]:
    at, inside = 0, False
    for line in delimiter.finditer(body):
        yield _between(body[at : line.start()], depth, inside=inside)
        yield line[0]
        at, inside = line.end(), not line[0].rstrip().endswith(b"--")
    yield _between(body[at:], depth, inside=inside)


def _between(text: bytes, depth: int, *, inside: bool) -> bytes:
    if not inside:
        return text if is_seven_bit(text) else b""
    return _CRLF + _part(text[2:], depth + 1)


def _plain(fields: list[Field], text: bytes) -> bytes:
    """Out of the encoding that the part claims to have."""
    encoding = _value(fields, b"content-transfer-encoding").lower()
    if encoding == b"quoted-printable":
        return quopri.decodestring(text)
    return base64.b64decode(text) if encoding == b"base64" else text


def _encoded(text: bytes, *, readable: bool) -> tuple[bytes, bytes]:
    foreign = len(text) - len(text.translate(None, bytes(range(0x80, 0x100))))
    if readable and foreign * 6 < len(text) and text.count(b"\r") == text.count(_CRLF) == text.count(b"\n"):
        return b"quoted-printable", b2a_qp(text).replace(_CRLF, b"\n").replace(b"\n", _CRLF)
    return b"base64", base64.encodebytes(text).replace(b"\n", _CRLF)


def _with_encoding(header: list[Field], encoding: bytes) -> list[Field]:
    name = b"content-transfer-encoding"
    others = [field for field in header if field.name != name]
    return [*others, Field(name, b"Content-Transfer-Encoding: " + encoding + _CRLF)]


def _value(fields: list[Field], name: bytes) -> bytes:
    found = first(fields, name)
    return found.value if found else b""


def _ascii(field: Field) -> Field:
    """With encoded words (RFC 2047) for what is not ASCII, and folded where a line is too long."""
    name, colon, body = field.raw.partition(b":")
    if not name.isascii():  # no field at all, whatever it was meant to be
        name, colon, body = b"", b"", field.raw
    if not body.isascii():
        body = _FOREIGN_RUN.sub(_as_words, body)
    raw = name + colon + body
    return Field(field.name, _folded(raw) if _LONG_LINE.search(raw) else raw)


def _folded(raw: bytes) -> bytes:
    return _CRLF.join(map(_folded_line, raw.split(_CRLF)))


def _folded_line(line: bytes) -> bytes:
    """Broken in front of white space that something follows: a line of nothing else could end the header."""
    pieces: list[bytes] = []
    begin = fold = 0
    for end in (*(space.start() for space in _SPACE.finditer(line, 1)), len(line)):
        if end - begin > _FOLDED_AT and fold > begin:
            pieces.append(line[begin:fold])
            begin = fold
        fold = end
    return _CRLF.join([*pieces, line[begin:]])


def _as_words(found: re.Match[bytes]) -> bytes:
    text = found[0].replace(b'"', b"")
    charset = _charset(text)
    return b"\r\n ".join(
        b"=?" + charset + b"?b?" + base64.b64encode(chunk) + b"?=" for chunk in _chunks(text, charset)
    )


def _chunks(text: bytes, charset: bytes) -> Iterator[bytes]:
    """Pieces for a word each, none of which ends within a character."""
    at = 0
    while at < len(text):
        end = min(at + _WORD_OCTETS, len(text))
        while charset == b"utf-8" and end < len(text) and text[end] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8
            end -= 1
        yield text[at:end]
        at = end


def _charset(text: bytes) -> bytes:
    """RFC 1428 section 3 has a name for what nobody can know."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return b"unknown-8bit"
    return b"utf-8"
