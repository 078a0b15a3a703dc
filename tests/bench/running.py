"""The service as its operator starts it, with many recipients whose webhooks all lead to one sink."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import yaml

from tests.bench.helper import on_every_cpu
from tests.bench.load import Offered, offer, post
from tests.system.server_process import PushServer

PATIENCE = 600.0
Setup = dict[str, object]


def configuration(directory: Path, sink: int, recipients: int, **sections: Setup) -> str:
    """A configuration file's text."""
    hook = f"http://127.0.0.1:{sink}/open-apis/bot/v2/hook"
    head: dict[str, Setup] = {
        "server": {"host": "127.0.0.1", "port": 0},
        "log": {"output": "file", "file_path": f"{directory}/log/app.log"},
        "storage": {"url": f"sqlite:///{directory}/data/store.db"},
        "queue": {"buffer_size": 1_000_000},
        **sections,
    }
    entries = "".join(
        f'  r{number}:\n    name: "运维告警组 {number}"\n    platforms:\n      feishu:\n'
        f'        enabled: true\n        webhooks:\n          - url: "{hook}/{number:036d}"\n'
        f'            secret: "secret-{number:012d}"\n'
        f'            name: "主告警机器人"\n            rate: off\n'
        for number in range(recipients)
    )
    return f"{yaml.safe_dump(head)}recipients:\n{entries}"


@contextmanager
def started(sink: int, recipients: int, **sections: Setup) -> Iterator[tuple[PushServer, float]]:
    """A service that serves, and the seconds that it took; gone afterwards, with its store."""
    with tempfile.TemporaryDirectory() as folder:
        server = PushServer(Path(folder), configuration(Path(folder), sink, recipients, **sections))
        began = time.monotonic()
        try:
            with on_every_cpu():
                server.start()
            yield server, time.monotonic() - began
        finally:
            server.abandon()


def to_each(recipients: int) -> list[bytes]:
    """One push for each recipient."""
    return [
        post(
            "/api/v1/push",
            json.dumps(
                {"recipient_alias": f"r{number}", "content": {"title": "标题", "msg": "正文" * 20}},
                ensure_ascii=False,
            ).encode(),
        )
        for number in range(recipients)
    ]


def to_few(count: int, recipients: int = 16) -> list[bytes]:
    """So many pushes, spread over a few recipients."""
    requests = to_each(recipients)
    return [requests[number % recipients] for number in range(count)]


def arrived(sink: Connection) -> int:
    """How many requests have reached the sink."""
    sink.send("count")
    return int(sink.recv()[0])


def wait_for(sink: Connection, total: int) -> None:
    """Wait until so many have."""
    deadline = time.monotonic() + PATIENCE
    while (found := arrived(sink)) < total:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the sink got {found} of {total}")
        time.sleep(0.05)


def warm_up(port: int, sink: Connection, count: int = 500) -> None:
    """Wake everybody who is to be measured."""
    before = arrived(sink)
    offer(port, to_few(count))
    wait_for(sink, before + count)


def describe(name: str, offered: Offered) -> str:
    """One line on a load."""
    return f"  {name:32}{offered.rate:7.0f}/s  p50 {offered.p50:6.1f} ms  p99 {offered.p99:6.1f} ms"
