"""How many mails a second the door takes here and now: 10 KiB each, stored and synced before each 250.

``python -m tests.relay.measure_door [DIRECTORY]``: without one it is the system's temporary one, which may be
in memory. The door and its store have one core, the clients another, where there are two.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from tests.relay.doors import stuffed
from tests.relay.hostile import logged_in
from tests.relay.relay_process import __file__ as relay_process

CONTENT = b"Subject: measured\r\nMessage-ID: <%d@client.example>\r\n\r\n" + (b"x" * 78 + b"\r\n") * 128
CONNECTIONS = (1, 5, 10, 20)
MAILS = 2_000
_COMMANDS = b"MAIL FROM:<a@client.example> SIZE=10400\r\nRCPT TO:<b@corp.example>\r\nDATA\r\n"


def send(port: int, count: int) -> None:
    """Over one connection, as fast as the door allows."""
    with logged_in(port) as client:
        for number in range(count):
            client.send(_COMMANDS)
            replies = [client.reply()[:3] for _ in range(3)]
            client.send(stuffed(CONTENT % number))
            replies.append(client.reply()[:3])
            if replies != ["250", "250", "354", "250"]:
                raise RuntimeError(f"the door said {replies}")


def measure(port: int, pid: int, connections: int) -> None:
    before, began = _cpu_seconds(pid), perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        for sending in [threads.submit(send, port, MAILS // connections) for _ in range(connections)]:
            sending.result()
    rate = MAILS / (perf_counter() - began)
    cost = (_cpu_seconds(pid) - before) / MAILS * 1e6
    sys.stdout.write(f"{connections:3} connections {rate:8.0f} mails/s {cost:8.0f} µs CPU a mail\n")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(directory: str | None = None) -> None:
    cores = sorted(os.sched_getaffinity(0))
    module = f"tests.relay.{Path(relay_process).stem}"
    with tempfile.TemporaryDirectory(dir=directory) as place:
        command = [sys.executable, "-m", module, place]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            port = int(process.stdout.readline())
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {cores[0]})
            os.sched_setaffinity(0, {cores[-1]})
            for connections in CONNECTIONS:
                measure(port, process.pid, connections)
            process.stdin.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
