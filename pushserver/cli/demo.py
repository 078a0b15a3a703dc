"""``pushserver demo``: the service and everything it talks to, on this machine alone, in one terminal."""

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from pushserver.cli.arrivals import ArrivalFeed
from pushserver.cli.demo_world import DemoWorld, populate, write_configuration
from pushserver.cli.places import LOOPBACK, listening, usable_port
from pushserver.cli.running import run, start_faults
from pushserver.cli.serve import set_up_logs
from pushserver.cli.stopping import StopRequests
from pushserver.cli.welcome import Welcome, welcome
from pushserver.config import load
from pushserver.config.apart import Source
from pushserver.sandbox import Sandbox
from pushserver.service import Service


def demo(directory: Path, port: int, sandbox_port: int, stop: StopRequests) -> int:
    """Run the demo until ``stop``; the exit code. ``directory`` takes everything it writes.

    Raises:
        CommandFailed: it cannot start.
    """
    with ExitStack() as open_things:
        sandbox = _sandbox(sandbox_port)
        open_things.callback(sandbox.close)
        world = populate(sandbox)
        open_things.enter_context(ArrivalFeed(sandbox, world.labels))
        service_port = usable_port(port)
        service, configuration = _service(world, service_port, directory)
        hello = Welcome(sandbox.url, service_port, directory, configuration)
        return run(service, stop, partial(welcome, hello))


def _sandbox(wanted: int) -> Sandbox:
    port = usable_port(wanted)
    sandbox = Sandbox(port=port)
    listening(sandbox.start, LOOPBACK, port)
    return sandbox


def _service(world: DemoWorld, port: int, directory: Path) -> tuple[Service, Path]:
    with start_faults():
        path = write_configuration(world, port, directory)
    settings = load(path, {}).settings  # without the environment: a SERVER_PORT is meant for another service
    learn = set_up_logs(settings).learn
    return Service(settings, console=sys.stdout, source=Source(path.absolute(), {}), learn=learn), path
