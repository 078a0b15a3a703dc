"""How actors are treated that fail: those that the process cannot do without, and the others."""

from actors import Backoff, Exhausted, Policy

ESSENTIAL = Policy(
    restarts=5, within=60.0, backoff=Backoff(first=0.1, ceiling=5.0), exhausted=Exhausted.ESCALATE
)
"""Over their budget, the process ends."""
REMOTE = Policy(restarts=5, within=30.0, parking=Backoff(first=5.0, ceiling=300.0))
"""What depends on somebody else's server: over its budget it is parked, and everybody else works on."""
