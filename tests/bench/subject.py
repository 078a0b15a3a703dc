"""The service as the bench runs it: a process of its own, on a fresh store."""

import resource
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from pushserver import config, logs
from pushserver.service import Service
from tests.bench.rivals import cpu_seconds

RECIPIENTS = 16


def settings_text(sink: int, directory: Path, pin: str) -> str:
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
        f"processes: {{pin: {pin}}}\nqueue: {{buffer_size: 1000000}}\nrecipients:\n{recipients}\n"
    )


def run(pipe: Connection, sink: int, pin: str) -> None:
    """Serve until told to stop; answers ``usage`` with CPU seconds and peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.yaml"
        file.write_text(settings_text(sink, Path(folder), pin))
        settings = config.load(file, {}).settings
        logs.set_up(settings.log)
        with Service(settings) as service:
            pipe.send(service.port)
            while pipe.recv() == "usage":
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                pipe.send((cpu_seconds(), peak))
