"""A service with keys: the door and the commands as clients and operators meet them."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pushserver.cli import main
from pushserver.config import load
from pushserver.config.api_key import hash_of, new_key
from pushserver.sandbox import Sandbox
from pushserver.service import OPEN_TO_ALL, Service
from tests.cli.configurations import configuration, written

PUSHES, OPERATES = new_key(), new_key()
PUSH = {"recipient_alias": "ops", "content": {"title": "T", "msg": "M"}}
KEYS = [
    {"name": "monitoring", "hash": hash_of(PUSHES), "scopes": ["push", "read"]},
    {"name": "operator", "hash": hash_of(OPERATES), "scopes": ["read", "operate"]},
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("keys")
    with Sandbox() as sandbox:
        content = configuration(directory, sandbox.feishu("robot"), auth={"keys": KEYS})
        settings = load(written(directory / "config.yaml", content), {}).settings
        with Service(settings) as service:
            yield f"http://127.0.0.1:{service.port}"


def test_the_door_asks_for_a_key(url: str) -> None:
    assert requests.post(f"{url}/api/v1/push", json=PUSH, timeout=10).status_code == 401
    shown = {"Authorization": f"Bearer {PUSHES}"}
    answer = requests.post(f"{url}/api/v1/push", json=PUSH, headers=shown, timeout=10)
    assert answer.status_code == 200
    assert requests.get(f"{url}/health", timeout=10).status_code == 200


def test_commands_take_theirs_from_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    restart = ["actors", "restart", "recipients/ops", "--url", url]
    assert main(restart) == 1
    assert "未授权" in capsys.readouterr().err
    monkeypatch.setenv("PUSHSERVER_API_KEY", PUSHES)
    assert main(restart) == 1
    assert f"没有权限；密钥 {PUSHES[:11]} 没有 operate 权限" in capsys.readouterr().err
    monkeypatch.setenv("PUSHSERVER_API_KEY", OPERATES)
    assert main([*restart, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["address"] == "/main-0/recipients/ops"


@pytest.mark.parametrize(
    ("host", "keys", "warned"), [("0.0.0.0", [], 1), ("0.0.0.0", KEYS, 0), ("127.0.0.1", [], 0)]
)
def test_a_door_that_is_open_to_everybody_is_warned_of(
    host: str, keys: list[object], warned: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = configuration(tmp_path, server={"host": host, "port": 0}, auth={"keys": keys})
    settings = load(written(tmp_path / "config.yaml", content), {}).settings
    with caplog.at_level(logging.WARNING), Service(settings):
        pass
    assert caplog.messages.count(OPEN_TO_ALL) == warned
