"""``pushserver serve``: the service, until a signal ends it."""

import logging
import os
import sys
from functools import partial
from pathlib import Path

from pushserver import __version__, logs
from pushserver.cli import exit_codes, screen
from pushserver.cli.configuration import settings_in
from pushserver.cli.errors import CommandFailed
from pushserver.cli.running import os_fault, run
from pushserver.cli.service_manager import ServiceManager
from pushserver.cli.stopping import StopRequests
from pushserver.config import Settings
from pushserver.config.apart import Source
from pushserver.logs import Redactor, SwitchSignal
from pushserver.service import OPEN_TO_ALL, Service
from pushserver.service.hangup import ReloadSignal
from pushserver.service.heap import settle

_log = logging.getLogger(__name__)


def serve(path: Path, stop: StopRequests) -> int:
    """Serve what the configuration in ``path`` says until ``stop``; the exit code.

    Raises:
        CommandFailed: the configuration cannot be used, or the service cannot start or go on.
    """
    settings = settings_in(path)
    learn = set_up_logs(settings).learn
    source = Source(path.absolute(), dict(os.environ))
    service = Service(settings, console=sys.stdout, source=source, learn=learn)
    switch = SwitchSignal(partial(logs.switch, settings.log.level, service.pass_on_log_level))
    hangup = ReloadSignal(service.reload)

    def started() -> None:
        settle()
        switch.heed()
        hangup.heed()
        greeting = _greeting(settings, service.port)
        screen.say(greeting)
        if settings.anybody_may_push:
            screen.warn(OPEN_TO_ALL)
        manager.ready(greeting, lambda: service.alive)

    try:
        with ServiceManager() as manager, switch, hangup:
            return run(service, stop, started)
    except CommandFailed as failed:
        _log.critical("%s", failed.text, extra={"action": "service_failed"})
        raise


def set_up_logs(settings: Settings) -> Redactor:
    """Open the log; what keeps the configured secrets out of it.

    Raises:
        CommandFailed: a log file cannot be written.
    """
    redactor = Redactor.of(settings)
    try:
        logs.set_up(settings.log, redactor=redactor)
    except OSError as error:
        raise CommandFailed(f"日志无法写入: {os_fault(error)}", exit_codes.CANNOT_WRITE) from error
    return redactor


def _greeting(settings: Settings, port: int) -> str:
    host = settings.server.host.strip("[]")
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"服务已启动 http://{place} (PushServer {__version__})"
