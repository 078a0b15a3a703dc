"""A request as it came over the wire, and the parser that finds it in the bytes (RFC 9112)."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

MAX_HEAD = 64 * 1024
MAX_BODY = 32 * 1024 * 1024


class MalformedRequest(Exception):  # noqa: N818 - it never leaves the server: a fact about the peer
    """The peer does not speak HTTP/1.1; the text says where. The connection is answered 400 and closed."""


@dataclass(frozen=True, slots=True)
class Head:
    """Everything before the body. Header names are in lower case, ``query`` is as it was sent."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    peer: str
    keep_alive: bool

    @property
    def params(self) -> dict[str, str]:
        """The query, decoded exactly once; of a repeated name the first one counts, as in a servlet."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        return dict(reversed(pairs))

    @property
    def segments(self) -> list[str]:
        """The decoded parts of the path: ``/sandbox/robots`` gives ``["sandbox", "robots"]``."""
        return [unquote(part) for part in self.path.split("/")[1:]]


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request."""

    head: Head
    body: bytes


class RequestParser:
    """Cuts a stream of bytes into heads and bodies: ``feed`` bytes, then ask in turn for a head and its body.

    ``head()`` and ``body()`` return ``None`` while bytes are missing and raise :class:`MalformedRequest`.
    """

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._buffer = bytearray()
        self._chunks: list[bytes] | None = None
        self._length = 0

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._buffer += data

    def head(self) -> Head | None:
        """The next head, once it is complete."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise MalformedRequest(f"a head of more than {MAX_HEAD} bytes")
            return None
        lines = self._take(end + 4)[:-4].decode("latin-1").lstrip("\r\n").split("\r\n")
        headers = _headers(lines[1:])
        head = _request_line(lines[0], headers, self._peer)
        self._expect_body(headers)
        return head

    def body(self) -> bytes | None:
        """The body of the head given last, once it is complete."""
        if self._chunks is not None:
            return self._chunked(self._chunks)
        return self._take(self._length) if len(self._buffer) >= self._length else None

    def _expect_body(self, headers: dict[str, str]) -> None:
        coding = headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise MalformedRequest("an unknown transfer coding")
        self._chunks = [] if coding else None
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY:
            raise MalformedRequest(f"a content length that is no number up to {MAX_BODY}")
        self._length = int(length)

    def _chunked(self, chunks: list[bytes]) -> bytes | None:
        while (end := self._buffer.find(b"\r\n")) >= 0:
            size = _chunk_size(self._buffer[:end])
            if len(self._buffer) < end + 2 + size + 2:
                return None
            self._take(end + 2)
            chunk = self._take(size + 2)
            if not chunk.endswith(b"\r\n"):
                raise MalformedRequest("a chunk that does not end where it should, or trailers")
            if not size:
                return b"".join(chunks)
            self._length += size
            chunks.append(chunk[:-2])
            if self._length > MAX_BODY:
                raise MalformedRequest(f"a body of more than {MAX_BODY} bytes")
        return None

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def _chunk_size(line: bytes | bytearray) -> int:
    try:
        size = int(bytes(line).split(b";")[0], 16)
    except ValueError as fault:
        raise MalformedRequest("a chunk without a size") from fault
    if not 0 <= size <= MAX_BODY:
        raise MalformedRequest(f"a chunk of more than {MAX_BODY} bytes")
    return size


def _headers(lines: list[str]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedRequest("a header line without a colon")
        headers[name.strip().lower()] = value.strip()
    return headers


def _request_line(line: str, headers: dict[str, str], peer: str) -> Head:
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target, version
        raise MalformedRequest("a first line that is not 'METHOD target HTTP/1.x'")
    method, target, version = words
    path, _, query = _origin_form(target).partition("?")
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
    return Head(method, path, query, headers, peer, keep_alive)


def _origin_form(target: str) -> str:
    """Path and query of a target; clients behind a proxy send it with scheme and host (RFC 9112 §3.2.2)."""
    if target.startswith("/"):
        return target
    _, separator, rest = target.partition("://")
    if not separator:
        raise MalformedRequest("a target that is neither a path nor an http URL")
    return "/" + rest.partition("/")[2]
