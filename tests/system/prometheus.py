"""A real Prometheus that scrapes one target, and its checker of what is scraped."""

import json
import math
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.system.deadline import PATIENCE, until


def needs(program: str) -> str:
    """Where the program is; the test skips where there is none, and fails in CI."""
    found = shutil.which(program)
    if found is None:
        reason = f"{program} is not installed (Debian: apt-get install prometheus)"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    return found


def faults_of(metrics: bytes) -> str:
    """What ``promtool check metrics`` finds; nothing where all is well."""
    ran = subprocess.run(
        [needs("promtool"), "check", "metrics"], input=metrics, capture_output=True, timeout=30, check=False
    )
    said = (ran.stdout + ran.stderr).decode()
    assert said or ran.returncode == 0
    return said


def check_queries(queries: Sequence[str], directory: Path) -> None:
    """Fail if one of them is no PromQL."""
    rules = [{"alert": f"Q{number}", "expr": query} for number, query in enumerate(queries)]
    path = directory / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    ran = subprocess.run(
        [needs("promtool"), "check", "rules", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@dataclass(frozen=True)
class Prometheus:
    url: str

    def value(self, query: str) -> float | None:
        """Of the one series that a query finds, if it finds one."""
        found = self.values(query)
        assert len(found) <= 1, found
        return found[0] if found else None

    def values(self, query: str) -> list[float]:
        """Of all series that a query finds; NaN where there is nothing to compute with."""
        where = f"query?{urllib.parse.urlencode({'query': query})}"
        return [float(series["value"][1]) for series in self._ask(where)["result"]]

    def seconds_answered(self, query: str, span: int) -> set[int]:
        """How many seconds ago a query found a number, of ``span`` seconds until now, a step each."""
        now = time.time()
        asked = {"query": query, "start": now - span, "end": now, "step": 1}
        found = self._ask(f"query_range?{urllib.parse.urlencode(asked)}")["result"]
        values = [value for series in found for value in series["values"]]
        return {round(now - float(when)) for when, number in values if math.isfinite(float(number))}

    def rules(self) -> list[dict[str, Any]]:
        """All alerts, as Prometheus last evaluated them."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def firing(self) -> set[tuple[str, str]]:
        """Alerts that fire, each with the label that tells it from its like: platform, account, or none."""
        labels = [alert["labels"] for alert in self._ask("alerts")["alerts"] if alert["state"] == "firing"]
        return {(one["alertname"], one.get("platform") or one.get("account") or "") for one in labels}

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _ask(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/api/v1/{what}", timeout=5) as answer:
            return dict(json.load(answer)["data"])


@contextmanager
def scraping(port: int, directory: Path, rules: Sequence[Path] = (), every: int = 1) -> Iterator[Prometheus]:
    """A Prometheus of its own, which is gone afterwards.

    It scrapes ``every`` so many seconds, and evaluates ``rules`` once a second.
    """
    directory.mkdir()
    config = directory / "prometheus.yml"
    target = {"job_name": "pushserver", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    content = {
        "global": {
            "scrape_interval": f"{every}s",
            "scrape_timeout": f"{every}s",
            "evaluation_interval": "1s",
            "external_labels": {"monitor": "test"},
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [target],
    }
    config.write_text(yaml.safe_dump(content))
    own_port = _free_port()
    command = [
        needs("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{own_port}",
        "--log.level=error",
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{own_port}")
        until(lambda: prometheus.ready() or process.poll() is not None, "Prometheus is ready", PATIENCE)
        assert process.poll() is None, (directory / "log").read_text()
        yield prometheus
    finally:
        process.kill()
        process.wait(PATIENCE)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
