"""Secrets that are planted, and the search for them in whatever the service has said."""

import base64
import hashlib
from collections.abc import Iterator, Mapping

ODD = "/+ =&%\"'"
"""What a secret may have in it that every encoding writes differently."""


class Plants:
    """Makes secrets that occur nowhere else, and finds them again in any spelling.

    Each has a core of its own. Encodings of texts (percent, JSON, HTML) leave the core as it is; in base64 it
    is looked for in all three ways that it can stand, and in hex.
    """

    def __init__(self) -> None:
        self._cores: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._cores)

    def token(self, name: str) -> str:
        """A secret that may stand in a URL."""
        core = hashlib.sha256(name.encode()).hexdigest()[:20]
        self._cores[core] = name
        return f"tok-{core}"

    def secret(self, name: str) -> str:
        """A secret with everything in it that is written differently elsewhere."""
        return self.token(name) + ODD

    def found_in(self, sources: Mapping[str, str]) -> list[tuple[str, str]]:
        """Which were found, and in which source."""
        spellings = [(name, tuple(_spellings(core))) for core, name in self._cores.items()]
        return [
            (name, source)
            for source, text in sources.items()
            for name, spelled in spellings
            if any(spelling in text for spelling in spelled)
        ]


def _spellings(core: str) -> Iterator[str]:
    yield core
    yield core.upper()
    yield core.encode().hex()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + core.encode())
        whole = encoded[4:-4].decode()  # the ends depend on what stands beside the core
        yield whole
        yield whole.replace("+", "-").replace("/", "_")
