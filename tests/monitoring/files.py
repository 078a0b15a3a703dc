"""The alerts and dashboards of ``monitoring/``, as the tests look at them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
RULES = MONITORING / "rules" / "pushserver.yml"
RULE_TESTS = ROOT / "tests" / "monitoring" / "alerts.yml"
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))

_SELECTOR = re.compile(r"\b(?:pushserver_\w+|up)(?:\{[^}]*\})?")
_VARIABLES = {"$__rate_interval": "1m"}
_OTHER_VARIABLE = re.compile(r"\$\{?\w+\}?")


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def selectors(expression: str) -> list[str]:
    """The series that an expression looks at, before anything is computed or compared."""
    return list(dict.fromkeys(_SELECTOR.findall(expression)))


@dataclass(frozen=True)
class Panel:
    dashboard: str
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.content['title']}"

    @property
    def queries(self) -> list[str]:
        """What it asks for when everything is chosen that can be chosen."""
        return [_with_everything(target["expr"]) for target in self.content["targets"]]


def dashboard(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def panels() -> Iterator[Panel]:
    """All but the headings of rows."""
    for path in DASHBOARDS:
        for content in dashboard(path)["panels"]:
            if content["type"] != "row":
                yield Panel(path.stem, content)


def _with_everything(expression: str) -> str:
    for variable, value in _VARIABLES.items():
        expression = expression.replace(variable, value)
    return _OTHER_VARIABLE.sub(".*", expression)
