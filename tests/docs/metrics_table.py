"""Makes the table of metrics in docs/operations.md: ``python -m tests.docs.metrics_table``.

Not read from the code but seen: a service in this process is asked for its metrics.
"""

import json
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from pushserver.config import (
    Channel,
    LogSettings,
    ProcessSettings,
    Recipient,
    RelayAccount,
    RelayAuth,
    RelaySettings,
    ServerSettings,
    Settings,
    StorageSettings,
    Webhook,
)
from pushserver.domain import PlatformName
from pushserver.service import Service
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "operations.md"
_TABLE = re.compile(r"(?<=<!-- metrics -->\n).*?(?=<!-- end -->)", re.DOTALL)
_HEAD = "| metric | labels besides `process` | what it says, and what to do |\n|---|---|---|\n"
_NOT_SHOWN = {"process", "le"}


def families() -> list[Metric]:
    """Those of a service that has just been started and has something to deliver."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            server=ServerSettings(host="127.0.0.1", port=0),
            log=LogSettings(file_path=str(Path(directory) / "app.log")),
            storage=StorageSettings(url=f"sqlite:///{directory}/store.db"),
            processes=ProcessSettings(inline=True, pin="off"),
            smtp_relay=_relay(),
            recipients={"ops": Recipient(alias="ops", name="ops", channels=(_NOWHERE,))},
        )
        with Service(settings) as service:
            _push(service.port)
            return _scraped(service.port)


_NOWHERE = Channel(
    platform=PlatformName.FEISHU,
    targets=(Webhook(platform=PlatformName.FEISHU, name="nowhere", url=SecretStr("http://127.0.0.1:9/")),),
)


def _push(port: int) -> None:
    """So that there is an endpoint: its series come with it."""
    push = {"recipient_alias": "ops", "content": {"title": "t", "msg": "m"}}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/push",
        json.dumps(push).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def _scraped(port: int) -> list[Metric]:
    give_up = time.monotonic() + 20.0
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            found = list(text_string_to_metric_families(answer.read().decode()))
        if any(family.name == "pushserver_endpoint_budget_left" and family.samples for family in found):
            return found
        assert time.monotonic() < give_up, "there is no endpoint"


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
