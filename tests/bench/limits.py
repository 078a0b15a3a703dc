"""Figures with a limit: ``python -m tests.bench.limits``, about five minutes.

POST at a pace and at full load, 10,000 recipients configured, 20,000 pushed to once each.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from actors.cpu import pin
from tests.bench import sink
from tests.bench.family import memory, threads
from tests.bench.helper import process
from tests.bench.load import offer, offer_paced
from tests.bench.running import arrived, describe, started, to_each, to_few, wait_for, warm_up
from tests.system.server_process import PushServer

THERE = 1
"""The CPU of load and sink."""
PUSHES = 6000
PACE = 1000
CONFIGURED = 10_000
PUSHED_TO = 20_000


def say(line: str) -> None:
    """Print, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measure_latency(pipe: Connection, port: int) -> None:
    """POST, with the whole of each push going on beside it."""
    with started(port, 16) as (server, _):
        warm_up(server.port, pipe)
        before = arrived(pipe)
        paced = offer_paced(server.port, to_few(PUSHES), PACE)
        wait_for(pipe, before + PUSHES)
        full = offer(server.port, to_few(PUSHES))
        wait_for(pipe, before + 2 * PUSHES)
        say("POST, one gateway and one delivery process")
        say(describe(f"{PACE}/s offered (p99 below 20)", paced))
        say(describe("8 connections (p99 below 100)", full))


def measure_configured(port: int) -> None:
    """Starting with many recipients, none of whom is told anything."""
    with started(port, CONFIGURED) as (server, seconds):
        size = server.config.stat().st_size / 1e6
        say(f"{CONFIGURED} recipients, {size:.1f} MB of YAML: ready after {seconds:.1f} s (below 10)")
        _say_memory("at rest (below 400)", server)


def measure_pushed_to(pipe: Connection, port: int) -> None:
    """Many recipients, all awake once."""
    with started(port, PUSHED_TO) as (server, seconds), _watching_threads(server) as most:
        before = arrived(pipe)
        offered = offer(server.port, to_each(PUSHED_TO))
        wait_for(pipe, before + PUSHED_TO)
        say(f"{PUSHED_TO} recipients, ready after {seconds:.1f} s, pushed to once each")
        say(describe("8 connections", offered))
        _say_memory("afterwards", server)
    say(f"  threads of the process with the most: {max(most)}")


def _say_memory(when: str, server: PushServer) -> None:
    each = memory(server.pids)
    say(f"  memory {when}: {sum(each.values()):.0f} MB (PSS of all processes)")
    for title, megabytes in each.items():
        say(f"    {megabytes:6.1f}  {title}")


@contextmanager
def _watching_threads(server: PushServer) -> Iterator[list[int]]:
    """Filled, ten times a second, with the threads of the process that has the most."""
    most: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            most.append(threads(server.pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def main() -> None:
    """Print the figures beside their limits."""
    pin(THERE)
    with process(sink.run, THERE) as pipe:
        port = pipe.recv()
        measure_latency(pipe, port)
        measure_configured(port)
        measure_pushed_to(pipe, port)


if __name__ == "__main__":
    main()
