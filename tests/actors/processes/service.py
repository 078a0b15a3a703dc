"""A service with two workers, to be run as a program of its own and killed: `… EAR [heeds_stop]`."""

import sys

from actors.policy import Backoff, Exhausted, Policy
from actors.processes import Patience, ProcessSpec, Root
from tests.actors.processes.workers import Mouth, Part, play


def main(ear: str, kind: str) -> int:
    parts = {
        "good": Part(),
        "slow": Part(stop_takes=0.3),
        "stubborn": Part(heeds_stop=False),
        "failing": Part(fails_at_once=True, status=3),
    }
    policy = Policy(restarts=2, backoff=Backoff(0.01, 0.02), exhausted=Exhausted.ESCALATE)
    patience = Patience(stop=1.0)
    specs = [
        ProcessSpec(
            "one", play, (Mouth(ear, "one"), parts["slow" if kind == "slow" else "good"]), policy, patience
        ),
        ProcessSpec("two", play, (Mouth(ear, "two"), parts[kind]), policy, patience),
    ]
    root = Root(
        specs, preload=["tests.actors.processes.workers"], on_ready=lambda: Mouth(ear, "root").say("ready")
    )
    root.take_signals()
    return root.run()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
