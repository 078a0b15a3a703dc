"""How writers and the one who rotates keep out of each other's way without talking."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, on the monotonic clock that all processes of a machine share.

    A writer looks every ``look_every`` whether its file still has its name, so for that long it may append to
    one that was renamed. A renamed file is therefore compressed, and its plain form removed, only after
    ``settled_after``. A writer that was stopped between its look and its write for longer than
    ``late_after`` checks afterwards that what it wrote to is still there, and if not writes it again.

    Raises:
        ValueError: they do not stand in that order, and lines could be lost.
    """

    look_every: float = 1.0
    late_after: float = 3.0
    settled_after: float = 5.0

    def __post_init__(self) -> None:
        if not self.look_every <= self.late_after < self.settled_after:
            raise ValueError(
                f"found {self}, expected look_every <= late_after < settled_after: "
                "give a renamed file more time to settle"
            )


PACE = Pace()
