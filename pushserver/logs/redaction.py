"""Masks the configured secrets in any text. Defence in depth: whoever writes a text keeps them out already.

The cost must not grow with their number, which goes with the number of recipients: a regular expression of
20,000 alternatives takes milliseconds a line. So a text is cut into words, and an index of the secrets'
longest words says which few secrets are worth comparing.
"""

import re
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring
from urllib.parse import quote, unquote

from pushserver.config import Settings
from pushserver.logs.secrets import hosts_of, secrets_of

HIDDEN = "***"
SHORTEST = 6
"""Shorter ones are left alone: hiding every ``dev`` or ``test`` would shred the log and protect nothing."""
_GRAM = 12
"""Secrets with a word as long as this are found inside longer words too, shorter ones as whole words."""
_WORD = re.compile(rf"[0-9A-Za-z]{{{SHORTEST},}}")
"""Only ASCII: a token stands in the middle of Chinese without blanks."""
_URL = re.compile(r"""(https?://)([^/?#\s"'<>]*)([/?#][^\s"'<>]*)""", re.IGNORECASE)


class Redactor:
    """Hides ``secrets`` wherever they stand, and paths and queries of URLs that lead to ``hosts``.

    Secrets are found as they are, percent-encoded or decoded, and as Python or JSON quotes them. Its ``repr``
    shows none of them.
    """

    def __init__(self, secrets: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        self._hosts: frozenset[str] = frozenset()
        self._index: dict[str, list[tuple[str, int]]] = {}
        self._wordless: list[str] = []
        self._note(secrets, hosts)

    @classmethod
    def of(cls, settings: Settings) -> "Redactor":
        """For every secret of a configuration."""
        return cls(secrets_of(settings), hosts_of(settings))

    def learn(self, parts: object) -> None:
        """Hide the secrets of these parts of a configuration, too, from any thread; none is ever forgotten.

        A line that the log has shown before with one of them in it may be shown so once more.
        """
        self._note(secrets_of(parts), hosts_of(parts))

    def _note(self, secrets: Iterable[str], hosts: Iterable[str]) -> None:
        self._hosts |= {host.lower() for host in hosts}
        for spelling in {spelling for secret in secrets for spelling in _spellings(secret)}:
            self._learn(spelling)
        self._idle = not (self._hosts or self._index or self._wordless)

    def hide(self, text: str) -> str:
        """``text`` with ``***`` in place of each secret."""
        if self._idle or len(text) < SHORTEST:
            return text
        if self._hosts and "://" in text:
            text = _URL.sub(self._without_path, text)
        if self._clean(text):
            return text
        return _masked(text, [*self._spans(text), *self._wordless_spans(text)])

    def _clean(self, text: str) -> bool:
        """Whether a glance shows that there is nothing to hide; this is all that nearly every text costs."""
        index = self._index
        for word in _WORD.findall(text):
            if word in index or len(word) > _GRAM:
                return False
        return not self._wordless or not any(secret in text for secret in self._wordless)

    def _learn(self, secret: str) -> None:
        words = sorted(_WORD.finditer(secret), key=_length)
        if words:
            anchor = words[-1]
            self._index.setdefault(anchor[0][:_GRAM], []).append((secret, anchor.start()))
        else:
            self._wordless.append(secret)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        index = self._index
        for found in _WORD.finditer(text):
            word, start = found[0], found.start()
            for offset in range(max(1, len(word) - _GRAM + 1)):
                candidates = index.get(word[offset : offset + _GRAM])
                if candidates:
                    yield from _comparing(text, start + offset, candidates)

    def _wordless_spans(self, text: str) -> Iterator[tuple[int, int]]:
        for secret in self._wordless:
            start = text.find(secret)
            while start >= 0:
                yield start, start + len(secret)
                start = text.find(secret, start + 1)

    def _without_path(self, url: re.Match[str]) -> str:
        scheme, place, _ = url.groups()
        host = place.rpartition("@")[2]
        return f"{scheme}{host}/{HIDDEN}" if host.lower() in self._hosts else url[0]


def _length(word: re.Match[str]) -> int:
    return word.end() - word.start()


def _spellings(secret: str) -> set[str]:
    quoted = {repr(secret)[1:-1], encode_basestring(secret)[1:-1]}
    spellings = {secret, quote(secret, safe=""), unquote(secret), *quoted}
    return {spelling for spelling in spellings if len(spelling) >= SHORTEST}


def _comparing(text: str, at: int, candidates: list[tuple[str, int]]) -> Iterator[tuple[int, int]]:
    """Where candidates really stand, given that the first letters of their anchor stand at ``at``."""
    for secret, offset in candidates:
        start = at - offset
        if start >= 0 and text.startswith(secret, start):
            yield start, start + len(secret)


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    """Overlapping spans become one mask."""
    parts, shown = [], 0
    for start, end in sorted(spans):
        if start >= shown:
            parts += [text[shown:start], HIDDEN]
        shown = max(shown, end)
    return "".join([*parts, text[shown:]])
