"""What the environment adds to the file: ``${NAME}`` in values, and ``SECTION_KEY`` over single settings."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from pushserver.config.finding import Finding, Path, did_you_mean
from pushserver.config.reader import Node

PREFIX = "PUSHSERVER_"

_DOLLAR = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_]\w*)(?P<or>:-(?P<default>[^}]*))?\})?", re.ASCII)
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://")


class FromEnvironment(str):
    """A text that came from the environment and is therefore shown to nobody without need.

    ``variable`` names the variable that overrides a setting; it is empty where ``${…}`` stands in the file.
    """

    __slots__ = ("variable",)

    variable: str

    def __new__(cls, text: str, variable: str = "") -> Self:
        """A text, and the variable that it overrides a setting with."""
        made = super().__new__(cls, text)
        made.variable = variable
        return made


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that a variable can override: ``path`` is ``(section, key)``."""

    path: tuple[str, str]

    @property
    def variable(self) -> str:
        """Section and key in capitals: ``SERVER_PORT``, ``SMTP_RELAY_FROM_POLICY``."""
        return "_".join(self.path).upper()


def expand(root: dict[str, Node], environ: Mapping[str, str]) -> tuple[dict[str, Node], list[Finding]]:
    """A copy of the tree with every ``${NAME}`` and ``${NAME:-default}`` replaced, and what could not be.

    As in a shell, ``:-`` also stands in for a variable that is set to nothing. ``$${`` is a literal ``${``.
    Keys are left alone.
    """
    findings: list[Finding] = []

    def walk(node: Node, path: Path) -> Node:
        if isinstance(node, dict):
            return {key: walk(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value, (*path, index)) for index, value in enumerate(node)]
        if node is None or "${" not in node:
            return node
        return _expanded(node, path, environ, findings)

    expanded = {key: walk(value, (key,)) for key, value in root.items()}
    return expanded, findings


def _expanded(text: str, path: Path, environ: Mapping[str, str], findings: list[Finding]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name = match["name"]
        if match[0] == "$${":
            return "${"
        if name is None:
            findings.append(
                Finding(
                    path,
                    "${ without a name and }",
                    "${NAME} or ${NAME:-default}",
                    "write $${ for a literal ${",
                )
            )
            return ""
        value = environ.get(name)
        if match["or"]:
            return value or match["default"]
        if value is None:
            findings.append(
                Finding(
                    path,
                    f"${{{name}}}, which is not set in the environment",
                    f"that variable, or a default as in ${{{name}:-default}}",
                )
            )
        return value or ""

    return FromEnvironment(_DOLLAR.sub(replacement, text))


def override(
    root: dict[str, Node], settings: Iterable[Setting], environ: Mapping[str, str]
) -> tuple[dict[str, Node], list[str]]:
    """A copy of the tree with the settings that the environment overrides, and warnings about it.

    ``PUSHSERVER_SERVER_PORT`` wins over ``SERVER_PORT``. An empty variable counts as absent. A value such as
    ``tcp://10.0.0.1:8080`` is none of ours: Kubernetes sets it for every service in sight.
    """
    known = tuple(settings)
    changed = dict(root)
    warnings = list(_misspelt(known, environ))
    for setting in known:
        for name in (setting.variable, PREFIX + setting.variable):
            value = environ.get(name, "")
            if _SERVICE_LINK.match(value):
                warnings.append(
                    f"environment variable {name}: ignored, a service address that Kubernetes sets"
                )
            elif value:
                _put(changed, setting.path, FromEnvironment(value, name))
    return changed, warnings


def _put(root: dict[str, Node], path: tuple[str, str], value: FromEnvironment) -> None:
    section, key = path
    present = root.get(section)
    if present is None or isinstance(present, dict):
        root[section] = {**(present or {}), key: value}


def _misspelt(known: tuple[Setting, ...], environ: Mapping[str, str]) -> Iterator[str]:
    names = tuple(PREFIX + setting.variable for setting in known)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in names:
            hint = did_you_mean(name, names, closeness=0.95)
            if hint:
                yield f"environment variable {name}: not a setting, {hint}"
