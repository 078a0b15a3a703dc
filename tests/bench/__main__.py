"""Runs the bench and prints it: ``make bench``, about five minutes.

``python -m tests.bench logging`` runs that part alone; the others are ``service``, ``relay`` and ``reload``.
"""

import json
import platform
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

from actors.cpu import pin, usable
from pushserver.service.gateway import THREADS
from tests.bench import rivals, sink, subject
from tests.bench.helper import process
from tests.bench.load import Offered, offer, post
from tests.bench.relay import relay_part
from tests.bench.reload import reload_part

PUSHES = 6000
WARM_UP = 500
HERE, THERE = 0, 1
"""The CPU of what is measured, and that of load and sink."""
PATIENCE = 60.0
PARTS = ("service", "logging", "relay", "reload")
LEVELS = ("info", "error", "error", "info") * 4
"""Of the log, for a block of pushes each, in one life of the service: drifts are neither's advantage."""
BLOCK = 1000
SETTLED = 0.3
"""Seconds in which the last lines are written, and every process has changed its level."""
MODES = {
    "one process, pinned": "inline: true, pin: on",
    "gateway and delivery, pinned": "pin: on",
    "gateway and delivery, not pinned": "pin: off",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """POSTs as offered, deliveries a second end to end, CPU seconds a push, memory in MB."""

    offered: Offered
    delivered: float
    cpu: float
    memory: float


def pushes(count: int) -> list[bytes]:
    """So many pushes, spread over the recipients."""
    bodies = [
        json.dumps(
            {
                "recipient_alias": f"r{index}",
                "type": "error",
                "style": "text",
                "content": {"title": "标题", "msg": "正文" * 20},
            },
            ensure_ascii=False,
        ).encode()
        for index in range(subject.RECIPIENTS)
    ]
    requests = [post("/api/v1/push", body) for body in bodies]
    return [requests[index % len(requests)] for index in range(count)]


def ask(pipe: Connection, question: str) -> Any:
    """One question, one answer."""
    pipe.send(question)
    return pipe.recv()


def wait_for(sink_pipe: Connection, total: int) -> float:
    """Wait until so many requests have reached the sink; returns when the last one did."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        requests, last = ask(sink_pipe, "count")
        if requests >= total:
            return float(last)
        time.sleep(0.05)
    raise RuntimeError(f"the sink got {requests} of {total}")


def measure_no_op() -> Offered:
    """The ceiling of the door."""
    with process(rivals.no_op, HERE, THREADS) as pipe:
        port = pipe.recv()
        offer(port, pushes(WARM_UP))
        return offer(port, pushes(PUSHES))


def measure_plain_loop(url: str) -> tuple[float, float]:
    """Deliveries a second and CPU seconds each, of a plain loop."""
    with process(rivals.plain_loop, HERE, url, PUSHES) as pipe:
        seconds, cpu = pipe.recv()
        return PUSHES / seconds, cpu / PUSHES


def measure_service(sink_pipe: Connection, sink_port: int, processes: str) -> Measured:
    """One life of the service, from its start to the last delivery."""
    before, _ = ask(sink_pipe, "count")
    with process(subject.run, sink_port, processes) as pipe:
        port = pipe.recv()
        offer(port, pushes(WARM_UP))
        wait_for(sink_pipe, before + WARM_UP)
        cpu_before, _ = ask(pipe, "usage")
        offered = offer(port, pushes(PUSHES))
        last = wait_for(sink_pipe, before + WARM_UP + PUSHES)
        cpu_after, memory = ask(pipe, "usage")
        rate = PUSHES / (last - offered.started)
        return Measured(offered, rate, (cpu_after - cpu_before) / PUSHES, memory)


def say(*lines: str) -> None:
    """Print, at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def describe(name: str, offered: Offered) -> str:
    """One line on a load."""
    return f"  {name:12}{offered.rate:7.0f}/s  p50 {offered.p50:5.1f} ms  p99 {offered.p99:5.1f} ms"


def service_part(sink_pipe: Connection, sink_port: int) -> None:
    """The service in its modes, against a no-op and a plain loop."""
    ceiling = measure_no_op()
    loop_rate, loop_cpu = measure_plain_loop(f"http://127.0.0.1:{sink_port}/open-apis/bot/v2/hook/t0")
    say(describe("no-op POST", ceiling), f"  plain loop  {loop_rate:7.0f}/s  CPU {loop_cpu * 1e6:.0f} µs")
    for name, processes in MODES.items():
        found = measure_service(sink_pipe, sink_port, processes)
        say(
            f"{name}: {PUSHES} pushes from 8 connections",
            describe("POST", found.offered) + f"  {found.offered.rate / ceiling.rate:.2f} of no-op",
            f"  delivered   {found.delivered:7.0f}/s  {found.delivered / loop_rate:.2f} of the plain loop",
            f"  CPU         {found.cpu * 1e6:7.0f} µs a push, {found.cpu / loop_cpu:.1f} of the plain loop's",
            f"  memory      {found.memory:7.0f} MB (PSS of all processes)",
        )


def logging_part(sink_pipe: Connection, sink_port: int) -> None:
    """What a line for each push costs: ``log.level`` info beside error, which writes none."""
    for name, processes in list(MODES.items())[:2]:
        blocks = measure_levels(sink_pipe, sink_port, processes)
        say(
            f"log.level info : error, {name}: {len(blocks) // 2} blocks of {BLOCK} pushes each",
            f"  delivered   {compared([(level, rate) for level, rate, _ in blocks])} /s",
            f"  CPU         {compared([(level, cpu * 1e6) for level, _, cpu in blocks])} µs a push",
        )


def measure_levels(sink_pipe: Connection, sink_port: int, processes: str) -> list[tuple[str, float, float]]:
    """Level, deliveries a second and CPU seconds a push, of each block."""
    with process(subject.run, sink_port, processes) as pipe:
        port = pipe.recv()
        before, _ = ask(sink_pipe, "count")
        offer(port, pushes(WARM_UP))
        wait_for(sink_pipe, before + WARM_UP)
        blocks = [(level, *measure_block(sink_pipe, pipe, port, level)) for level in LEVELS]
        expected = WARM_UP + BLOCK * LEVELS.count("info")
        if (lines := ask(pipe, "lines")) != expected:
            raise RuntimeError(f"found {lines} lines of deliveries, expected {expected}")
        return blocks


def measure_block(sink_pipe: Connection, pipe: Connection, port: int, level: str) -> tuple[float, float]:
    """Deliveries a second and CPU seconds a push."""
    time.sleep(SETTLED)
    ask(pipe, level)
    time.sleep(SETTLED)
    before, _ = ask(sink_pipe, "count")
    cpu_before, _ = ask(pipe, "usage")
    offered = offer(port, pushes(BLOCK))
    last = wait_for(sink_pipe, before + BLOCK)
    cpu_after, _ = ask(pipe, "usage")
    return BLOCK / (last - offered.started), (cpu_after - cpu_before) / BLOCK


def compared(figures: list[tuple[str, float]]) -> str:
    """Both medians, and the median of the ratios of neighbours."""
    info, error = ([figure for of, figure in figures if of == level] for level in ("info", "error"))
    ratio = median(one / other for one, other in zip(info, error, strict=True))
    return f"{median(info):7.0f} : {median(error):.0f}, ratio {ratio:.3f}"


def main() -> None:
    """Everything in one run, so that the ratios are of the same hour and machine."""
    parts = sys.argv[1:] or PARTS
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"found {', '.join(sorted(unknown))}, expected {', '.join(PARTS)}, or nothing for all")
    say(f"{platform.machine()}, {len(usable())} CPUs, Python {platform.python_version()}")
    pin(THERE)
    with process(sink.run, THERE) as sink_pipe:
        sink_port = sink_pipe.recv()
        if "service" in parts:
            service_part(sink_pipe, sink_port)
        if "logging" in parts:
            logging_part(sink_pipe, sink_port)
    if "relay" in parts:
        relay_part(say)
    if "reload" in parts:
        reload_part(say)


if __name__ == "__main__":
    main()
