"""Whether an answer is the one that a page shows: the same, apart from ids, moments and durations."""

import re
from typing import Any

TASK_ID = re.compile(r"task_\d{8}_\d{6}_[0-9a-z]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d\d:\d\d:\d\d")
_DURATION = re.compile(r"\d+ ms|\d+\.\d s")
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
_VARYING_NUMBERS = frozenset(("duration_ms", "at", "size", "number"))


def same_json(shown: Any, given: Any, key: str = "") -> bool:
    """Whether two parsed answers are alike."""
    if isinstance(shown, dict) and isinstance(given, dict):
        return list(shown) == list(given) and all(same_json(shown[k], given[k], k) for k in shown)
    if isinstance(shown, list) and isinstance(given, list):
        return len(shown) == len(given) and all(map(same_json, shown, given))
    if isinstance(shown, str) and isinstance(given, str):
        return _masked(shown) == _masked(given)
    if key in _VARYING_NUMBERS:
        return isinstance(shown, (int, float)) and isinstance(given, (int, float))
    return type(shown) is type(given) and bool(shown == given)


def same_text(shown: str, given: str) -> bool:
    """Whether two screens have the same lines; what happens at once may be shown in any order."""
    return _lines(shown) == _lines(given)


def _lines(text: str) -> list[str]:
    return sorted(_masked(" ".join(line.split())) for line in text.strip().splitlines())


def _masked(text: str) -> str:
    for pattern, word in ((TASK_ID, "ID"), (_MOMENT, "TIME"), (_DURATION, "DURATION"), (_ADDRESS, "ADDRESS")):
        text = pattern.sub(word, text)
    return text
