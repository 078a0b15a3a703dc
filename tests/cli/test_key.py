"""``pushserver key new``, and the commands that show a key."""

import json

import pytest

from pushserver.cli import main
from pushserver.cli.client import Client
from pushserver.cli.errors import CommandFailed
from pushserver.config.api_key import hash_of, is_hash
from tests.cli.scripted_api import answering, response

ACCEPTED = response(200, '{"code": 200, "message": "", "data": {"task_id": "t"}}')


def test_a_key_is_printed_with_its_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new"]) == 0
    printed = capsys.readouterr()
    first, second = printed.out.splitlines()
    assert first.startswith("key   ps_")
    assert second == f"hash  {hash_of(first.split()[1])}"
    assert printed.err == (
        "密钥只显示这一次，请交给客户端保存；哈希写入配置 auth.keys[].hash，重新加载后生效\n"
    )


def test_for_programs_it_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "--json"]) == 0
    printed = capsys.readouterr()
    made = json.loads(printed.out)
    assert made["hash"] == hash_of(made["key"])
    assert is_hash(made["hash"])
    assert printed.err == ""


def test_each_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    main(["key", "new", "--json"])
    main(["key", "new", "--json"])
    assert len({json.loads(line)["key"] for line in capsys.readouterr().out.splitlines()}) == 2


def test_commands_show_the_key_of_the_environment() -> None:
    with answering(ACCEPTED) as (url, requests):
        Client(url, {"PUSHSERVER_API_KEY": " ps_0_secret\n"}).push({})
    assert b"X-API-Key: ps_0_secret\r\n" in requests.get(timeout=10)


def test_without_one_they_show_none() -> None:
    with answering(ACCEPTED) as (url, requests):
        Client(url, {}).push({})
    assert b"x-api-key" not in requests.get(timeout=10).lower()


@pytest.mark.parametrize("planted", ["two words", "密钥planted", "a\nplanted: b"])
def test_what_cannot_be_a_key_is_not_sent_nor_shown(planted: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        Client("http://127.0.0.1:1", {"PUSHSERVER_API_KEY": planted})
    assert caught.value.text == "环境变量 PUSHSERVER_API_KEY 不是可用的密钥，应类似 ps_1a2b3c4d_…"
    assert caught.value.code == 2
