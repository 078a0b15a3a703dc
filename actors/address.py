"""Names of actors: ``/delivery-0/recipients/ops_alert/feishu``, the process first, then the path."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_NEEDS_ENCODING = re.compile(r"[/%?#\s\x00-\x1f\x7f]")


def _encode(name: str) -> str:
    def escape(match: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in match.group().encode())

    return _NEEDS_ENCODING.sub(escape, name)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an actor can be reached, whether it is awake or not. Two equal addresses name one actor.

    ``str()`` percent-encodes only what would be read as syntax; other scripts stay readable.
    """

    process: str
    path: tuple[str, ...] = ()

    def __truediv__(self, name: str) -> "Address":
        return Address(self.process, (*self.path, name))

    def __str__(self) -> str:
        return "/" + "/".join(_encode(part) for part in (self.process, *self.path))

    @property
    def name(self) -> str:
        """The last part: what the actor is called under its parent."""
        return self.path[-1] if self.path else self.process

    def is_under(self, other: "Address") -> bool:
        """True for ``other`` itself and for everything below it."""
        return self.process == other.process and self.path[: len(other.path)] == other.path

    @classmethod
    def parse(cls, text: str, default_process: str) -> "Address":
        """Read what :meth:`__str__` writes; without a leading slash the process is ``default_process``.

        Raises:
            ValueError: the text is empty or has an empty part.
        """
        absolute = text.startswith("/")
        parts = [unquote(part) for part in text.strip("/").split("/")]
        if not all(parts):
            raise ValueError(f"expected an address like /main-0/recipients/ops_alert, got {text!r}")
        if absolute:
            return cls(parts[0], tuple(parts[1:]))
        return cls(default_process, tuple(parts))
