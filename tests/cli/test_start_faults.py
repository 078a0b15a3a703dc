"""What keeps a service from starting is one line on stderr and an exit code that says which kind it is."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pushserver.sandbox import Sandbox
from tests.cli.configurations import configuration, written
from tests.cli.process import ended, started


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def _serve(directory: Path, robot: Any, **sections: Any) -> tuple[int, list[str], str]:
    config = written(directory / "push.yaml", configuration(directory, robot, **sections))
    finished = ended("serve", "--config", str(config), cwd=directory)
    return finished.code, finished.err_lines, finished.out


def test_a_port_in_use(sandbox: Sandbox, tmp_path: Path, taken: int) -> None:
    server = {"host": "127.0.0.1", "port": taken}
    code, lines, out = _serve(tmp_path, sandbox.feishu("any"), server=server)
    (line,) = lines
    assert line == (
        f"pushserver: 服务启动失败: 无法监听 127.0.0.1:{taken}：端口已被占用，"
        "请停止占用它的程序或修改 server.port（Address already in use）"
    )
    assert (code, out) == (69, "")


def test_a_second_service_on_the_same_store(config: Path) -> None:
    with started("serve", "--config", str(config), cwd=config.parent) as first:
        first.line("服务已启动")
        second = ended("serve", "--config", str(config), cwd=config.parent)
        first.signal(signal.SIGTERM)
        assert first.end().code == 0
    (line,) = second.err_lines
    assert "another service works on the store in" in line
    assert second.code == 69


def test_a_store_that_cannot_be_made(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    storage = {"url": f"sqlite:///{tmp_path}/file/data/store.db"}
    code, (line,), _ = _serve(tmp_path, sandbox.feishu("any"), storage=storage)
    assert line.startswith(f"pushserver: 服务启动失败: {tmp_path}/file/data ")
    assert "Not a directory" in line
    assert code == 73


@pytest.mark.parametrize("name", ["pushserver.lock", "store.db"])
def test_a_file_of_the_store_that_cannot_be_written(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data" / name).mkdir(parents=True)
    code, (line,), _ = _serve(tmp_path, sandbox.feishu("any"))
    assert line.startswith(f"pushserver: 服务启动失败: {tmp_path}/data/{name} ")
    assert code == 73


def test_a_store_that_is_no_database(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "store.db").write_text("just a text, and a long one, so that it has a header\n" * 99)
    code, (line,), _ = _serve(tmp_path, sandbox.feishu("any"))
    assert "is not an SQLite database" in line
    assert code == 73


def test_a_log_that_cannot_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = {"output": "file", "file_path": str(tmp_path / "file" / "app.log")}
    code, (line,), _ = _serve(tmp_path, sandbox.feishu("any"), log=log)
    assert line.startswith("pushserver: 日志无法写入: ")
    assert code == 73


def test_a_missing_usual_file_comes_with_the_first_steps(tmp_path: Path) -> None:
    finished = ended(cwd=tmp_path)
    (line,) = finished.err_lines
    assert "config/config.yaml: found no readable file" in line
    assert "config.yaml.example" in line
    assert finished.code == 78


def test_a_directory_for_a_configuration(tmp_path: Path) -> None:
    finished = ended("-config", str(tmp_path), cwd=tmp_path)
    (line,) = finished.err_lines
    assert line == (
        f"pushserver: 配置无法使用: {tmp_path}: found no readable file (Is a directory), "
        "expected a YAML file that the service may read"
    )
    assert finished.code == 78


def test_faults_of_the_configuration_are_all_listed(tmp_path: Path) -> None:
    path = written(tmp_path / "push.yaml", {"servre": {}, "queue": {"timeout": "soon"}, "recipients": {}})
    finished = ended("serve", "--config", str(path), cwd=tmp_path)
    first, second, total = finished.err_lines
    assert "servre" in first
    assert "queue.timeout" in second
    assert total == "pushserver: 配置无法使用: 共 2 处错误"
    assert finished.code == 78
