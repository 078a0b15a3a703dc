"""How a command ended, for shells and service managers; the higher ones are those of ``sysexits.h``.

https://man.openbsd.org/sysexits
"""

from typing import Final

OK: Final = 0
FAILED: Final = 1
"""The push failed, the configuration has faults, or the service refused what it was asked for."""
USAGE: Final = 2
"""The command line makes no sense."""
UNAVAILABLE: Final = 69
"""A port or the store is taken, or the service to talk to cannot be reached."""
SOFTWARE: Final = 70
"""The service gave up: something that it cannot do without is beyond repair."""
CANNOT_WRITE: Final = 73
"""A file or directory that the service needs cannot be created or written."""
UNFINISHED: Final = 75
"""Not decided yet, or too busy: trying again later may help."""
CONFIG: Final = 78
"""The configuration cannot be used."""
_SIGNALLED: Final = 128


def ended_by(signal_number: int) -> int:
    """What a shell shows for a process that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
    return _SIGNALLED + signal_number
