"""Runs the bench and prints it: ``make bench``, about half a minute."""

import json
import platform
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from actors.cpu import pin, usable
from pushserver.service.gateway import THREADS
from tests.bench import rivals, sink, subject
from tests.bench.helper import process
from tests.bench.load import Offered, offer, post

PUSHES = 6000
WARM_UP = 500
HERE, THERE = 0, 1
"""The CPU of what is measured, and that of load and sink."""
PATIENCE = 60.0
MODES = {
    "one process, pinned": "inline: true, pin: on",
    "gateway and delivery, pinned": "pin: on",
    "gateway and delivery, not pinned": "pin: off",
}


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


def measure_service(
    sink_pipe: Connection, sink_port: int, processes: str
) -> tuple[Offered, float, float, float]:
    """POSTs as offered, deliveries a second end to end, CPU seconds a push, memory in MB."""
    before, _ = ask(sink_pipe, "count")
    with process(subject.run, sink_port, processes) as pipe:
        port = pipe.recv()
        offer(port, pushes(WARM_UP))
        wait_for(sink_pipe, before + WARM_UP)
        cpu_before, _ = ask(pipe, "usage")
        offered = offer(port, pushes(PUSHES))
        last = wait_for(sink_pipe, before + WARM_UP + PUSHES)
        cpu_after, memory = ask(pipe, "usage")
        return offered, PUSHES / (last - offered.started), (cpu_after - cpu_before) / PUSHES, memory


def say(*lines: str) -> None:
    """Print, at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def describe(name: str, offered: Offered) -> str:
    """One line on a load."""
    return f"  {name:12}{offered.rate:7.0f}/s  p50 {offered.p50:5.1f} ms  p99 {offered.p99:5.1f} ms"


def main() -> None:
    """Everything in one run, so that the ratios are of the same hour and machine."""
    say(f"{platform.machine()}, {len(usable())} CPUs, Python {platform.python_version()}")
    pin(THERE)
    with process(sink.run, THERE) as sink_pipe:
        sink_port = sink_pipe.recv()
        ceiling = measure_no_op()
        loop_rate, loop_cpu = measure_plain_loop(f"http://127.0.0.1:{sink_port}/open-apis/bot/v2/hook/t0")
        say(describe("no-op POST", ceiling), f"  plain loop  {loop_rate:7.0f}/s  CPU {loop_cpu * 1e6:.0f} µs")
        for name, processes in MODES.items():
            offered, delivered, cpu, memory = measure_service(sink_pipe, sink_port, processes)
            say(
                f"{name}: {PUSHES} pushes from 8 connections",
                describe("POST", offered) + f"  {offered.rate / ceiling.rate:.2f} of no-op",
                f"  delivered   {delivered:7.0f}/s  {delivered / loop_rate:.2f} of the plain loop",
                f"  CPU         {cpu * 1e6:7.0f} µs a push, {cpu / loop_cpu:.1f} of the plain loop's",
                f"  memory      {memory:7.0f} MB (PSS of all processes)",
            )


if __name__ == "__main__":
    main()
