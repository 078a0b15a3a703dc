from pathlib import Path

import pytest

from actors import StartFailed
from pushserver.api import CannotListen
from pushserver.cli.errors import CommandFailed
from pushserver.cli.running import run, start_faults
from pushserver.cli.stopping import StopRequests
from pushserver.config import load
from pushserver.domain import PushServerError, StoreUnavailable
from pushserver.service import AlreadyRunning, Service
from pushserver.service.service import InlineCrew
from pushserver.store import NewerSchema, StoreUnwritable, UnsupportedDatabase


def test_a_service_that_gives_up_ends_with_the_reason(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(load(config, {}).settings)

    def give_up() -> None:
        assert isinstance(service.crew, InlineCrew)
        service.crew.system.fail("the store is beyond repair")

    with StopRequests() as stop, pytest.raises(CommandFailed) as caught:
        run(service, stop, give_up)
    assert caught.value.text == "服务无法继续: the store is beyond repair"
    assert caught.value.code == 70
    assert capsys.readouterr().err.splitlines() == ["服务无法继续，正在停止…", "服务已停止"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CannotListen("x"), 69),
        (AlreadyRunning("x"), 69),
        (StoreUnavailable("x"), 69),
        (UnsupportedDatabase("x"), 78),
        (StoreUnwritable("x"), 73),
        (NewerSchema("x"), 73),
        (PermissionError(13, "x"), 73),
        (StartFailed("x"), 70),
        (PushServerError("x"), 1),
    ],
)
def test_the_exit_code_tells_the_kind_of_what_stands_against_a_start(error: Exception, code: int) -> None:
    with pytest.raises(CommandFailed) as caught, start_faults():
        raise error
    assert caught.value.code == code


def test_what_is_nobodys_fault_but_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), start_faults():
        _ = 1 / 0
