"""What people see: results on stdout, everything about them on stderr.

Colours and live lines appear on terminals only, and not where ``NO_COLOR`` is set.
"""

import io
import json
import sys
from functools import cache
from typing import Any

from rich.console import Console
from rich.text import Text

PROGRAM = "pushserver"


@cache
def out() -> Console:
    """Where results go."""
    return Console(highlight=False, markup=False, emoji=False)


@cache
def err() -> Console:
    """Where progress, warnings and complaints go."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def steady_streams() -> None:
    """A terminal that cannot show Chinese gets escapes, not an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(text: str) -> None:
    """One line of a result, never wrapped."""
    out().print(Text(single_line(text)), soft_wrap=True)


def show_json(value: Any) -> None:
    """A result for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def say(text: str, style: str = "") -> None:
    """One line on stderr, never wrapped: somebody may want to search for it."""
    err().print(Text(text, style=style), soft_wrap=True)


def warn(text: str) -> None:
    """One line about what is odd, but stands in nobody's way."""
    say(f"警告: {single_line(text)}", style="yellow")


def complain(text: str) -> None:
    """One line about why the command ends."""
    line = Text.assemble((f"{PROGRAM}: ", "bold red"), single_line(text))
    err().print(line, soft_wrap=True)


def single_line(text: str) -> str:
    """The text with blanks for line breaks, and nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text).strip()
