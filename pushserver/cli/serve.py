"""``pushserver serve``: the service, until a signal ends it."""

import logging
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
from pushserver.logs import SwitchSignal
from pushserver.service import OPEN_TO_ALL, Service

_log = logging.getLogger(__name__)


def serve(path: Path, stop: StopRequests) -> int:
    """Serve what the configuration in ``path`` says until ``stop``; the exit code.

    Raises:
        CommandFailed: the configuration cannot be used, or the service cannot start or go on.
    """
    settings = settings_in(path)
    set_up_logs(settings)
    service = Service(settings, console=sys.stdout)
    switch = SwitchSignal(partial(logs.switch, settings.log.level, service.pass_on_log_level))

    def started() -> None:
        switch.heed()
        greeting = _greeting(settings, service.port)
        screen.say(greeting)
        if settings.anybody_may_push:
            screen.warn(OPEN_TO_ALL)
        manager.ready(greeting, lambda: service.alive)

    try:
        with ServiceManager() as manager, switch:
            return run(service, stop, started)
    except CommandFailed as failed:
        _log.critical("%s", failed.text, extra={"action": "service_failed"})
        raise


def set_up_logs(settings: Settings) -> None:
    """Open the log.

    Raises:
        CommandFailed: a log file cannot be written.
    """
    try:
        logs.set_up(settings.log, redactor=logs.Redactor.of(settings))
    except OSError as error:
        raise CommandFailed(f"日志无法写入: {os_fault(error)}", exit_codes.CANNOT_WRITE) from error


def _greeting(settings: Settings, port: int) -> str:
    host = settings.server.host.strip("[]")
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"服务已启动 http://{place} (PushServer {__version__})"
