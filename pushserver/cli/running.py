"""Running a service until it is asked to stop, and saying in one line why it could not start."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actors import ActorError
from pushserver.api import CannotListen
from pushserver.cli import exit_codes, screen
from pushserver.cli.errors import CommandFailed
from pushserver.cli.stopping import StopRequests
from pushserver.domain import PushServerError, StoreUnavailable
from pushserver.service import AlreadyRunning, Service
from pushserver.store import StoreUnusable, UnsupportedDatabase

_GAVE_UP = "服务无法继续"


def run(service: Service, stop: StopRequests, started: Callable[[], None]) -> int:
    """Start the service, call ``started``, stop in order when asked; the exit code.

    Raises:
        CommandFailed: it did not start, or gave up later.
    """
    stop.last_act = service.kill
    with start_faults():
        service.start()
    try:
        threading.Thread(target=_watch, args=(service, stop), name="failure-watch", daemon=True).start()
        started()
        reason = stop.wait()
        gave_up = service.failed.is_set()
        screen.say(f"{reason}，正在停止…" if gave_up else f"收到 {reason}，正在停止…")
    finally:
        service.stop()
    screen.say("服务已停止")
    if gave_up:
        raise CommandFailed(f"{_GAVE_UP}: {service.failure}", exit_codes.SOFTWARE)
    return exit_codes.OK


def _watch(service: Service, stop: StopRequests) -> None:
    service.failed.wait()
    stop.request(_GAVE_UP)


@contextmanager
def start_faults() -> Iterator[None]:
    """Turn what keeps a service from starting into :class:`CommandFailed`, the exit code included."""
    try:
        yield
    except (PushServerError, ActorError) as error:
        raise CommandFailed(f"服务启动失败: {error}", _code(error)) from error
    except OSError as error:
        raise CommandFailed(f"服务启动失败: {os_fault(error)}", exit_codes.CANNOT_WRITE) from error


def os_fault(error: OSError) -> str:
    """What the operating system refuses, where, and what to do."""
    place = f"{error.filename} " if error.filename else ""
    return f"{place}不可用（{error.strerror or error}），请检查路径和权限"


def _code(error: Exception) -> int:
    match error:
        case CannotListen() | AlreadyRunning() | StoreUnavailable():
            return exit_codes.UNAVAILABLE
        case UnsupportedDatabase():
            return exit_codes.CONFIG
        case StoreUnusable():
            return exit_codes.CANNOT_WRITE
        case ActorError():
            return exit_codes.SOFTWARE
        case _:
            return exit_codes.FAILED
