"""What the code logs under an ``action``, read from its syntax trees: the fields, and the levels."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.markdown import ROOT

FOLDERS = ("pushserver", "actors")
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warn",
    "error": "error",
    "exception": "error",
    "critical": "error",
}
"""What the methods of a logger become in a line."""
_UNPACKED = "**"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """One line of the log in the code. ``level`` is empty where the code computes it."""

    action: str
    fields: frozenset[str]
    level: str


def places() -> list[Place]:
    """All of them."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [place for path in files for place in places_in(path)]


def places_in(path: Path) -> Iterator[Place]:
    """Those of one file."""
    yield from in_source(path.read_text(encoding="utf-8"))


def in_source(source: str) -> Iterator[Place]:
    """Both ways: ``extra={"action": …}``, and ``action=…`` in a call of a function that builds the extra."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Dict) and "action" in _keys(node):
                yield Place(_action(node), _fields(node, function), _level_with(node, function))
            elif isinstance(node, ast.Call) and "action" in _keywords(node):
                yield _passed_on(node, functions)


def _passed_on(call: ast.Call, functions: list[Function]) -> Place:
    """The helper that is called adds fields of its own, and knows the level."""
    (helper,) = (function for function in functions if function.name == _name(call.func))
    (extra,) = (node for node in ast.walk(helper) if isinstance(node, ast.Dict))
    given = _keywords(call)
    return Place(_text(given["action"]), _named([*_keys(extra), *given]), _level_with(extra, helper))


def _action(extra: ast.Dict) -> str:
    return _text(extra.values[_keys(extra).index("action")])


def _fields(extra: ast.Dict, function: Function) -> frozenset[str]:
    """The keys, and those of dictionaries that are unpacked into it."""
    unpacked = [value for key, value in zip(extra.keys, extra.values, strict=True) if key is None]
    more = [key for value in unpacked for key in _possible_keys(_assigned(value, function))]
    return _named([*_keys(extra), *more])


def _named(keys: list[str]) -> frozenset[str]:
    return frozenset(keys) - {"action", _UNPACKED}


def _assigned(value: ast.expr, function: Function) -> ast.expr:
    """What a variable stands for; a ``ValueError`` says that nobody can tell."""
    (assigned,) = (
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == ast.unparse(value)
    )
    return assigned


def _possible_keys(value: ast.expr) -> list[str]:
    """Of a dictionary, or of one of two."""
    if isinstance(value, ast.IfExp):
        return [*_possible_keys(value.body), *_possible_keys(value.orelse)]
    assert isinstance(value, ast.Dict), f"found {ast.unparse(value)}, expected dictionaries written out"
    return _keys(value)


def _level_with(extra: ast.Dict, function: Function) -> str:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _keywords(node).get("extra") is extra:
            return LEVELS.get(_name(node.func), "")
    return ""


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)


def _keys(node: ast.Dict) -> list[str]:
    return [_UNPACKED if key is None else _text(key) for key in node.keys]


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _text(node: ast.expr) -> str:
    """A literal; what is computed is shown as the code that does it, and is on no page."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)
