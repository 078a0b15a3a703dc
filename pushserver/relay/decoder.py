"""The content of a message as it comes after DATA: where it ends, and what the client's stuffing hides.

RFC 5321 sections 2.3.8, 4.1.1.4 and 4.5.2. Only CRLF "." CRLF ends a message: a server that takes ``LF . LF``
or ``CR . CR`` for it lets one message smuggle another (CVE-2023-51764, CVE-2024-27305). What looks so to a
weaker server further on must not be passed on either: a lone CR or LF leaves here as CRLF.
"""

import re
from typing import Final

_END: Final = b"\r\n.\r\n"
"""Looked for, as is stuffing, only where there is a dot: that costs a tenth, and an attachment has none."""
_HELD_BACK: Final = len(_END) - 1
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_STUFFED: Final = re.compile(rb"\n\.(?![\r\n])")
"""A dot in front of a line that has more than it. Lines that end in a lone LF are stuffed too, by smtplib."""


class DataDecoder:
    """Fed with what arrives after DATA; gives the message's bytes with CRLF line ends, unstuffed.

    Holds back a few bytes, never more: a line may be as long as it likes.
    """

    __slots__ = ("_at_line_start", "_held", "_virgin", "ended", "rest")

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        """What came after the end: the next commands of a client that does not wait."""
        # The line that DATA stood on ends in front of the first: ".\r\n" at once is an empty message.
        self._held = b"\r\n"
        self._virgin = True
        self._at_line_start = False

    def feed(self, chunk: bytes) -> bytes:
        """What is sure now of the message. Not to be called once it has :attr:`ended`."""
        data = self._held + chunk
        end = data.find(_END) if b"." in data else -1
        if end >= 0:
            self.ended, self.rest = True, data[end + len(_END) :]
            return self._plain(data[: end + 2])
        cut = _safe_cut(data, len(data) - _HELD_BACK)
        if cut <= 0:
            self._held = data
            return b""
        self._held = data[cut:]
        return self._plain(data[:cut])

    def _plain(self, piece: bytes) -> bytes:
        """A piece that splits no line end, and no dot from what decides about it."""
        stuffed_at_once = self._at_line_start and piece[:1] == b"." and piece[1:2] not in (b"\r", b"\n")
        self._at_line_start = piece.endswith(b"\n")
        if stuffed_at_once:
            piece = piece[1:]
        piece = normalised(_STUFFED.sub(b"\n", piece) if b"." in piece else piece)
        if self._virgin:
            self._virgin = False
            piece = piece[2:]
        return piece


def normalised(text: bytes) -> bytes:
    """With each lone CR or LF made CRLF."""
    if text.replace(b"\r", b"").replace(b"\n", b"\r\n") == text:
        return text
    return _LINE_END.sub(b"\r\n", text)


def _safe_cut(data: bytes, cut: int) -> int:
    """``cut``, or a little less: neither between CR and LF, nor behind a dot that a line begins with."""
    if cut > 0 and data[cut - 1 : cut + 1] == b"\r\n":
        cut -= 1
    if cut > 0 and data[cut - 1 : cut] == b".":
        cut -= 1
    return cut
