"""Keeps an endpoint's credentials out of whatever is said about it.

Vendors echo what they were sent ("invalid access_token: …"), and for a robot the URL *is* the credential.
"""

import html
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pushserver.platforms.text import TITLE_NOTE, clean_line, cut, utf8_cost

HIDDEN = "***"
_SHORTEST_SECRET = 3  # hiding a one-letter token would shred every sentence and still reveal it
_DETAIL_BYTES = 500


class Scrubber:
    """Replaces the given secrets by ``***``; its own ``repr`` shows none of them."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = (*_spellings(secrets), *_encodings(secrets))

    def detail(self, text: str, *more: str) -> str:
        """``text`` on one line, at most 500 bytes, without the secrets and without ``more``."""
        scrubbed = self.hide(clean_line(text), *more)
        return cut(scrubbed, _DETAIL_BYTES, utf8_cost, TITLE_NOTE)

    def hide(self, text: str, *more: str) -> str:
        """``text`` with every secret replaced, the longest first."""
        secrets = (*self._secrets, *_spellings(more)) if more else self._secrets
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text


def secrets_of_url(url: str) -> tuple[str, ...]:
    """What in a URL may be a credential: all of it, the query's values or the last segment, a password.

    The last segment counts only without a query: in ``/robot/send?access_token=…`` it is a mere word.
    """
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    segment = parts.path.rstrip("/").rpartition("/")[2]
    tokens = [value for _, value in parse_qsl(parts.query)] or [segment]
    return tuple(filter(None, (url, target.strip("/"), *tokens, parts.password)))


def login_secrets(username: str, password: str) -> tuple[str, ...]:
    """The password, and what is said of it in ``AUTH PLAIN`` (RFC 4616)."""
    return (password, f"\0{username}\0{password}") if password else ()


def _spellings(secrets: Iterable[str]) -> Iterator[str]:
    """Each secret as it is, percent-encoded and decoded: an echo may be any of them."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            yield from {secret, quote(secret, safe=""), unquote(secret)}


def _encodings(secrets: Iterable[str]) -> Iterator[str]:
    """Each secret as a form, a JSON text, an HTML page or a login (base64, padded or not) would have it."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            encoded = b64encode(secret.encode("utf-8", "surrogatepass")).decode()
            yield from {
                quote_plus(secret),
                json.dumps(secret)[1:-1],
                html.escape(secret),
                encoded.rstrip("="),
            }
