"""How much a reload takes from those who push meanwhile: ``python -m tests.bench reload``, a minute."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from statistics import median

from tests.bench import sink
from tests.bench.helper import process
from tests.bench.load import offer
from tests.bench.running import arrived, started, to_few, wait_for, warm_up
from tests.system.server_process import PushServer

THERE = 1
RECIPIENTS = 1_000
CHANGED = 3
RELOADS = 8
PUSHES = 12_000
"""From one reload to the next."""
BESIDE = 1.5
"""Seconds before a reload and after it that it is compared with; the first second of a load is neither."""
LIMIT = 0.2


@dataclass(frozen=True, slots=True)
class Dip:
    """Deliveries a second before a reload, during it and after it, and its seconds."""

    before: float
    during: float
    after: float
    seconds: float

    @property
    def share(self) -> float:
        """Of the rate; 0.2 is a fifth less."""
        return 1 - 2 * self.during / (self.before + self.after)


def reload_part(say: Callable[..., None]) -> None:
    """Reloads under full load, each with other recipients that change."""
    with process(sink.run, THERE) as pipe, started(pipe.recv(), RECIPIENTS) as (server, _):
        warm_up(server.port, pipe)
        dips = [_measure(server, pipe, turn) for turn in range(RELOADS)]
    say(f"{RELOADS} reloads of {RECIPIENTS} recipients, {CHANGED} changed, under full load; delivered:")
    for dip in dips:
        say(
            f"  {dip.before:5.0f}/s before  {dip.during:5.0f}/s during its {dip.seconds:4.2f} s"
            f"  {dip.after:5.0f}/s after  {dip.share:6.1%} fewer"
        )
    say(f"  median of the dips: {median(dip.share for dip in dips):.1%} (limit {LIMIT:.0%})")


def _measure(server: PushServer, pipe: Connection, turn: int) -> Dip:
    before = arrived(pipe)
    with ThreadPoolExecutor(1) as beside:
        reload = beside.submit(_reload, server, pipe, turn)
        offer(server.port, to_few(PUSHES))
        dip = reload.result()
    wait_for(pipe, before + PUSHES)
    return dip


def _reload(server: PushServer, pipe: Connection, turn: int) -> Dip:
    seen = []

    def look(after: float) -> None:
        time.sleep(after)
        seen.append((time.monotonic(), arrived(pipe)))

    look(1.0)
    look(BESIDE)
    _change(server, turn)
    answer = server.client.ask("POST", "/api/v1/reload", b"{}")
    look(0.0)
    look(BESIDE)
    if len(answer.data["changes"]) < CHANGED:
        raise RuntimeError(f"not reloaded: {json.dumps(answer.data)[:300]}")
    before, during, after = ((m - n) / (t - s) for (s, n), (t, m) in pairwise(seen))
    return Dip(before, during, after, seen[2][0] - seen[1][0])


def _change(server: PushServer, turn: int) -> None:
    """Three who get no pushes have another robot now."""
    text = server.config.read_text(encoding="utf-8")
    for number in range(CHANGED):
        place = 100 + turn * CHANGED + number
        text = text.replace(f'secret: "secret-{place:012d}"', f'secret: "changed-{place:012d}"')
    server.config.write_text(text, encoding="utf-8")
