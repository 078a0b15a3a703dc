from collections.abc import Iterator
from pathlib import Path

import pytest

from pushserver.cli import screen
from pushserver.config import load
from pushserver.sandbox import Sandbox
from pushserver.service import Service
from tests.cli.configurations import configuration, written


@pytest.fixture(autouse=True)
def _plain_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("PUSHSERVER_URL", raising=False)
    screen.out.cache_clear()
    screen.err.cache_clear()
    yield
    screen.out.cache_clear()
    screen.err.cache_clear()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def service(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service in this process: ``ops`` has the robots ``first`` and ``second``."""
    directory = tmp_path_factory.mktemp("service")
    content = configuration(directory, sandbox.feishu("first"), sandbox.feishu("second"))
    settings = load(written(directory / "config.yaml", content), {}).settings
    with Service(settings) as service:
        yield service


@pytest.fixture
def url(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A configuration whose ``ops`` has the one robot ``lonely``."""
    return written(tmp_path / "push.yaml", configuration(tmp_path, sandbox.feishu("lonely")))
