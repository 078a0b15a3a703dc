"""A fault before it is known where it stands: checks speak of paths, the loader knows files and lines."""

import re
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""The way to a value: keys of mappings and indexes of lists."""

_PLAIN_KEY = re.compile(r"[\w-]+")
_LONGEST_KEY = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at ``path``; ``variable`` names the environment variable that the value came from."""

    path: Path
    found: str
    expected: str
    hint: str = ""
    variable: str = ""


def dotted(path: Path) -> str:
    """The path as people write it: ``recipients.ops.platforms.feishu.webhooks[0].url``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{_key(step)}" if text else _key(step)
    return text


def _key(key: str) -> str:
    # A key as long as a token, or one with an address in it, is a value that slipped into the wrong place.
    if len(key) > _LONGEST_KEY or "://" in key:
        return f"<a key of {len(key)} characters>"
    return key if _PLAIN_KEY.fullmatch(key) else quoted(key)


def quoted(text: str) -> str:
    """The text in quotes on a single line, whatever stands in it."""
    return '"' + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text) + '"'


def did_you_mean(word: str, known: tuple[str, ...], closeness: float = 0.66) -> str:
    """``did you mean "port"?``, or nothing when no known word comes close (1.0: only the word itself)."""
    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=closeness)
    return f'did you mean "{by_folded[near[0]]}"?' if near else ""
