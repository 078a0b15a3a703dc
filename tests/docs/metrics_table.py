"""Makes the table of metrics in docs/operations.md: ``python -m tests.docs.metrics_table``.

Not read from the code but seen: a service in this process is asked for its metrics.
"""

import re
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from pushserver.config import (
    LogSettings,
    ProcessSettings,
    RelayAccount,
    RelayAuth,
    RelaySettings,
    ServerSettings,
    Settings,
    StorageSettings,
)
from pushserver.service import Service
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "operations.md"
_TABLE = re.compile(r"(?<=<!-- metrics -->\n).*?(?=<!-- end -->)", re.DOTALL)
_HEAD = "| metric | labels besides `process` | what it says, and what to do |\n|---|---|---|\n"
_NOT_SHOWN = {"process", "le"}


def families() -> list[Metric]:
    """Those of a service that has just been started."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            server=ServerSettings(host="127.0.0.1", port=0),
            log=LogSettings(file_path=str(Path(directory) / "app.log")),
            storage=StorageSettings(url=f"sqlite:///{directory}/store.db"),
            processes=ProcessSettings(inline=True, pin="off"),
            smtp_relay=_relay(),
            recipients={},
        )
        with Service(settings) as service:
            where = f"http://127.0.0.1:{service.port}/metrics"
            with urllib.request.urlopen(where, timeout=10) as answer:
                return list(text_string_to_metric_families(answer.read().decode()))


def _relay() -> RelaySettings:
    account = RelayAccount.model_validate({"name": "account-1", "host": "127.0.0.1", "from": "a@example.com"})
    auth = RelayAuth.model_validate({"username": "user", "password": "password"})
    return RelaySettings(enabled=True, host="127.0.0.1", port=0, auth=auth, accounts=(account,))


def written(text: str) -> str:
    """The page with its table made anew."""
    rows = "".join(map(_row, sorted(families(), key=lambda family: family.name)))
    return _TABLE.sub(lambda _: _HEAD + rows, text)


def shown_name(family: Metric) -> str:
    """As a query has it."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def _row(family: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in _labels(family))
    kind = f" ({family.type})" if family.type in {"histogram", "summary"} else ""
    return f"| `{shown_name(family)}`{kind} | {labels} | {family.documentation} |\n"


def _labels(family: Metric) -> Iterator[str]:
    seen = dict.fromkeys(label for sample in family.samples for label in sample.labels)
    return (label for label in seen if label not in _NOT_SHOWN)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
