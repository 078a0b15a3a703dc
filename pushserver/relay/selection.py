"""Which account sends: at random among those not tried yet, in proportion to their weights. Pure."""

from collections.abc import Callable, Collection, Mapping


def choose(weights: Mapping[str, int], without: Collection[str], chance: Callable[[], float]) -> str | None:
    """One of the accounts in ``weights`` that is not in ``without``; ``None`` if there is none.

    ``chance`` returns 0..1, 1 excluded.
    """
    candidates = {name: weight for name, weight in weights.items() if name not in without}
    mark = chance() * sum(candidates.values())
    for name, weight in candidates.items():
        mark -= weight
        if mark < 0:
            return name
    return None
