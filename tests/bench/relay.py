"""The relay beside a Postfix, and pushes beside large mails: ``python -m tests.bench relay``."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

from actors.cpu import pin
from tests.bench import mail_sink, postfix, sink
from tests.bench.helper import before_all_others, on_another_machine, process
from tests.bench.load import Offered, offer_paced
from tests.bench.mails import LOGIN, Client, a_mail, hand_over
from tests.bench.running import describe, started, to_few, warm_up

THERE = 1
ELSEWHERE = 0
"""The CPU of whoever would be on another machine: the deliverers', who have time while few pushes come."""
MAILS = 1_000
ROUNDS = 6
WARM_UP = 300
SMALL = 10_000
LARGE = 25 * 1024 * 1024 - 4096
"""Bytes; the message, its header and ours stay below the limit."""
PATIENCE = 120.0
RATE = 200.0
SECONDS = 5
PAIRS = 12
PERIOD = 1.0
"""Seconds from one large mail to the next."""
IN_LIMIT, THROUGH_LIMIT, LATENCY_LIMIT = 1.0, 0.8, 1.2


def relay_part(say: Callable[..., None]) -> None:
    """Everything about mails, each figure beside its limit."""
    with process(mail_sink.run, pin, THERE) as pipe:
        _beside_postfix(pipe, pipe.recv(), say)
    with process(mail_sink.run, on_another_machine, ELSEWHERE) as pipe:
        _large_beside_pushes(pipe, pipe.recv(), say)


def _beside_postfix(pipe: Connection, port: int, say: Callable[..., None]) -> None:
    """Both run, and relay blocks of mails in turn to the same sink."""
    say(f"{ROUNDS} blocks of {MAILS} mails of {SMALL} bytes from 10 connections, synced before each 250")
    with ExitStack() as running:
        server, _ = running.enter_context(started(0, 1, smtp_relay=_section(port)))
        doors = {"relay": _door(server)}
        if reason := postfix.missing():
            say(f"  Postfix     skipped: {reason}")
        else:
            doors = {"Postfix": running.enter_context(postfix.relaying(port))} | doors
        found = _in_turn(pipe, doors)
    for name, blocks in found.items():
        taken, through = (median(rates) for rates in zip(*blocks, strict=True))
        say(f"  {name:12}{taken:7.0f}/s in  {through:7.0f}/s through")
    if "Postfix" in found:
        taken, through = (
            median(
                ours[index] / theirs[index]
                for ours, theirs in zip(found["relay"], found["Postfix"], strict=True)
            )
            for index in (0, 1)
        )
        say(
            f"  relay over Postfix, medians of pairs: in {taken:.2f} (limit {IN_LIMIT}), "
            f"through {through:.2f} (limit {THROUGH_LIMIT})"
        )


def _in_turn(pipe: Connection, doors: dict[str, int]) -> dict[str, list[tuple[float, float]]]:
    """Mails a second in (250 received) and through (the sink has them), of each block."""
    for door in doors.values():
        _measure(pipe, door, WARM_UP)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in doors}
    for turn in range(ROUNDS):
        for name in [*doors] if turn % 2 else reversed([*doors]):
            found[name].append(_measure(pipe, doors[name], MAILS))
    return found


def _section(port: int) -> dict[str, object]:
    username, password = LOGIN
    account = {"name": "sink", "host": "127.0.0.1", "port": port, "tls": False, "from": "bench@corp.example"}
    auth = {"username": username, "password": password}
    return {"enabled": True, "host": "127.0.0.1", "port": 0, "auth": auth, "accounts": [account]}


def _door(server: Any) -> int:
    return int(server.client.ask("GET", "/api/v1/smtp-relay/status").data["port"])


def _measure(pipe: Connection, door: int, mails: int) -> tuple[float, float]:
    before, _ = _count(pipe)
    handed = hand_over(door, mails, SMALL)
    last = _wait_for(pipe, before + mails)
    return handed.rate, mails / (last - handed.started)


def _count(pipe: Connection) -> tuple[int, float]:
    pipe.send("count")
    mails, last = pipe.recv()
    return mails, last


def _wait_for(pipe: Connection, total: int) -> float:
    """When the last of so many mails came."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        mails, last = _count(pipe)
        if mails >= total:
            return last
        time.sleep(0.05)
    raise RuntimeError(f"the sink got {mails} of {total} mails")


# Large mails beside pushes ---------------------------------------------------------------------------


def _large_beside_pushes(mails: Connection, port: int, say: Callable[..., None]) -> None:
    """Blocks without and with large mails in turn, in one life of the service: drifts are nobody's fault."""
    with (
        process(_prompt_sink, THERE) as hooks,
        started(hooks.recv(), 16, smtp_relay=_section(port)) as (server, _),
        process(_hand_over_large, _door(server)) as pipe,
    ):
        warm_up(server.port, hooks)
        pipe.recv()
        blocks = []
        before, _ = _count(mails)
        for _ in range(PAIRS):
            alone = _pushed(server.port)
            with _streaming(pipe) as handed:
                beside = _pushed(server.port)
            _wait_for(mails, before := before + len(handed))
            blocks.append((alone, beside))
            say(describe("POST alone", alone), describe(f"beside {len(handed)} mails of 25 MiB", beside))
        ratio = median(beside.p99 / alone.p99 for alone, beside in blocks)
    say(f"  p99 beside large mails over p99 alone, median of pairs: {ratio:.2f} (limit {LATENCY_LIMIT})")


def _prompt_sink(pipe: Connection, cpu: int) -> None:
    """Vendors who answer at once: pushes that wait for theirs would come in bursts."""
    with before_all_others():
        sink.run(pipe, cpu)


def _pushed(port: int) -> Offered:
    with before_all_others():
        return offer_paced(port, to_few(int(RATE * SECONDS)), RATE)


@contextmanager
def _streaming(pipe: Connection) -> Iterator[list[float]]:
    """A large mail each period; filled with the seconds that each took until its 250."""
    handed: list[float] = []
    over = threading.Event()

    def stream() -> None:
        while not over.is_set():
            pipe.send("mail")
            handed.append(pipe.recv())
            over.wait(max(0.0, PERIOD - handed[-1]))

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        yield handed
    finally:
        over.set()
        thread.join()


def _hand_over_large(pipe: Connection, door: int) -> None:
    """A client on another machine."""
    on_another_machine(ELSEWHERE)
    content = a_mail(1, LARGE)
    with Client(door) as client:
        pipe.send("ready")
        while pipe.recv() != "stop":
            began = time.monotonic()
            client.send(content)
            pipe.send(time.monotonic() - began)
