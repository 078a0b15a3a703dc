"""The service as the bench runs it: a process of its own, on a fresh store."""

import os
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pushserver import config, logs
from pushserver.logs import SwitchSignal
from pushserver.logs.levels import change
from pushserver.service import Service

RECIPIENTS = 16


def settings_text(sink: int, directory: Path, processes: str) -> str:
    """A configuration with a webhook for each recipient, all at the sink."""
    recipients = "\n".join(
        f"  r{index}:\n    name: r{index}\n    platforms:\n      feishu:\n        webhooks:\n"
        f'          - url: "http://127.0.0.1:{sink}/open-apis/bot/v2/hook/t{index}"\n'
        f"            rate: off"
        for index in range(RECIPIENTS)
    )
    return (
        f"server: {{host: 127.0.0.1, port: 0}}\n"
        f"log: {{output: file, file_path: {directory}/app.log}}\n"
        f"storage: {{url: 'sqlite:///{directory}/bench.db'}}\n"
        f"processes: {{{processes}}}\nqueue: {{buffer_size: 1000000}}\nrecipients:\n{recipients}\n"
    )


def run(pipe: Connection, sink: int, processes: str) -> None:
    """Serve until told to stop.

    Answers ``usage`` with its CPU seconds and memory (PSS, MB), the name of a level by logging at that from
    now on, and ``lines`` with how many deliveries stand in the log.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.yaml"
        file.write_text(settings_text(sink, Path(folder), processes))
        settings = config.load(file, {}).settings
        logs.set_up(settings.log, redactor=logs.Redactor.of(settings))
        with SwitchSignal(_nothing), Service(settings) as service:  # or a change of level would end workers
            pipe.send(service.port)
            while (asked := pipe.recv()) != "stop":
                pipe.send(_answer(asked, service, Path(settings.log.file_path)))


def _nothing() -> None:
    """The bench says itself when a level changes."""


def _answer(asked: str, service: Service, log: Path) -> Any:
    if asked == "usage":
        return _usage()
    if asked == "lines":
        return log.read_bytes().count(b'"action":"delivered"')
    change(asked)
    service.pass_on_log_level(asked)
    return None


def _usage() -> tuple[float, float]:
    """CPU seconds and proportional memory in MB, of this process and all below it."""
    family = _family(os.getpid())
    return sum(map(_cpu_seconds, family)), sum(map(_pss, family)) / 1024


def _family(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    born = {int(word) for thread in threads for word in (thread / "children").read_text().split()}
    return [pid, *(member for child in sorted(born) for member in _family(child))]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
