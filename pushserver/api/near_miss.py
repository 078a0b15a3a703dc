"""Recognises a slip of the finger: the difference between ``stratgy`` and ``strategy``."""

from collections.abc import Iterable


def near_miss(word: str, known: Iterable[str]) -> str | None:
    """The known word that this one was meant to be, or ``None``.

    A near miss differs in case only, or else by one slip: a letter missing, added, doubled, wrong, or swapped
    with its neighbour. A word that is itself known is no miss.
    """
    written = word.lower()
    return next((name for name in known if word != name and _at_most_one_slip(written, name)), None)


def _at_most_one_slip(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    one, other = _without_common_ends(one, other)
    swapped = len(one) == len(other) == 2 and one == other[::-1]  # noqa: PLR2004 - two neighbours
    return swapped or max(len(one), len(other)) <= 1


def _without_common_ends(one: str, other: str) -> tuple[str, str]:
    start = _common_prefix(one, other)
    one, other = one[start:], other[start:]
    end = _common_prefix(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _common_prefix(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
