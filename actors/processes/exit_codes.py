"""How a process says why it ended; after ``sysexits.h``, so that service managers can act on it."""

from typing import Final

OK: Final = 0
SOFTWARE: Final = 70
"""Something it cannot do without failed too often."""
ORPHANED: Final = 75
"""The root is gone."""
