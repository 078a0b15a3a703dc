"""What the worst clients cost the process that they talk to, and whether others are served meanwhile."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.relay import hostile
from tests.relay.hostile import is_served
from tests.relay.relay_process import __file__ as relay_process

MOST_GROWTH = 100 * 1024 * 1024
PATIENCE = 30.0


@dataclass
class RelayProcess:
    pid: int
    port: int

    def memory(self, what: str) -> int:
        """``VmRSS`` now, or ``VmHWM``: the most since :meth:`forget_peak`; bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == what:
                return int(value.split()[0]) * 1024
        raise AssertionError(f"{what} is not known here")

    def forget_peak(self) -> None:
        """See proc(5), ``clear_refs``."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayProcess]:
    module = f"tests.relay.{Path(relay_process).stem}"
    with subprocess.Popen(
        [sys.executable, "-m", module, str(tmp_path_factory.mktemp("relay"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield RelayProcess(process.pid, int(process.stdout.readline()))
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    "attack",
    [
        hostile.command_without_end,
        hostile.line_without_end,
        hostile.header_without_end,
        hostile.ten_thousand_recipients,
        hostile.huge_logins,
        hostile.slow_bytes,
        hostile.five_hundred_idle,
        hostile.deaf,
        hostile.smuggler,
        hostile.large_mails_at_once,
    ],
    ids=lambda attack: attack.__name__,
)
def test_an_attack_costs_little_memory_and_others_are_served(
    relay: RelayProcess, attack: Callable[[int], None]
) -> None:
    relay.forget_peak()
    before = relay.memory("VmRSS")
    over = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        honest = threads.submit(_send_until, over, relay.port)
        try:
            threads.submit(attack, relay.port).result(PATIENCE)
        finally:
            over.set()
        sent = honest.result(PATIENCE)

    assert sent >= 1
    assert relay.memory("VmHWM") - before < MOST_GROWTH


def _send_until(over: threading.Event, port: int) -> int:
    """An honest client's mails; how many were taken."""
    sent = 0
    while not sent or not over.wait(0.05):
        sent += is_served(port)
    return sent
