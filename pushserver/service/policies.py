"""How the actors of a process are treated that it cannot do without."""

from actors import Backoff, Exhausted, Policy

ESSENTIAL = Policy(
    restarts=5, within=60.0, backoff=Backoff(first=0.1, ceiling=5.0), exhausted=Exhausted.ESCALATE
)
"""Over their budget, the process ends."""
