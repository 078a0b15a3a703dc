"""A process with attempts in its hands: ``python -m tests.store.holding_child DIRECTORY PROCESS``.

Says ``holding`` once three are held (a fourth has come and gone), then waits to be killed.
"""

import sys
from contextlib import ExitStack
from pathlib import Path

from pushserver.store import InFlight
from tests.store.samples import ROBOT, SPARE


def main() -> None:
    recorder = InFlight(Path(sys.argv[1]), sys.argv[2], slots=2)
    with ExitStack() as hands:
        hands.enter_context(recorder.hold("t1", ROBOT))
        with recorder.hold("gone", ROBOT):
            pass
        hands.enter_context(recorder.hold("t2", ROBOT))
        hands.enter_context(recorder.hold("t2", SPARE))
        sys.stdout.write("holding\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
