"""What can be wrong with a configuration, said so that the person at the keyboard can mend it.

PushServerError
├── ConfigError   the configuration cannot be used; carries every :class:`Fault`, not only the first
└── NotRead       the process that was to read it has not answered; says nothing about the configuration
"""

from dataclasses import dataclass

from pushserver.domain import PushServerError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend.

    ``source`` is the file as it was named, or the environment variable; ``line`` counts from 1 and is
    ``None`` where there is none. ``path`` leads to the key (``recipients.ops.platforms.email.smtp.port``)
    and is empty for the file as a whole. No field ever holds a secret, and ``str()`` is a single line.
    """

    source: str
    line: int | None
    path: str
    found: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        where = f"{place}: {self.path}" if self.path else place
        text = f"{where}: found {self.found}, expected {self.expected}"
        return f"{text}; {self.hint}" if self.hint else text


class ConfigError(PushServerError):
    """The configuration cannot be used. ``str()`` is one line a fault, in the order of the file."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


class NotRead(PushServerError):  # noqa: N818 - a state, not a mistake
    """The process that was to read the configuration has not answered."""
