"""docs/SMTP_RELAY.md: its program is run against a relay, and both languages show the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from pushserver.config import load
from pushserver.sandbox import Sandbox
from pushserver.service import Service
from tests.cli.configurations import configuration, written
from tests.docs.demo import SECONDS, environment
from tests.docs.markdown import page

ENGLISH, CHINESE = page("docs/SMTP_RELAY.md"), page("docs/SMTP_RELAY.zh-CN.md")
(PROGRAM,) = (block.text for block in ENGLISH.blocks if block.info == "python")


def run(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return ran.stdout


def test_the_program_sends_a_mail_through_the_relay(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        sink = sandbox.smtp()
        account = {"host": sink.host, "port": sink.port, "from": "main@corp.example", "tls": False}
        auth = {"username": "relay_user", "password": "relay_pass"}
        relay = {"enabled": True, "host": "127.0.0.1", "port": 0, "auth": auth, "accounts": [account]}
        config = written(tmp_path / "push.yaml", configuration(tmp_path, smtp_relay=relay))
        with Service(load(config, {}).settings) as service:
            assert run(PROGRAM.replace("2525", str(service.smtp_port))) == "✅ 邮件发送成功！\n"
            (mail,) = sink.wait()
    assert mail.mailboxes == ("recipient@example.com",)
    assert mail.subject == "通过SMTP中继发送的测试邮件"
    assert mail.message["Reply-To"] == "sender@example.com"


def test_a_relay_that_is_not_there_is_said() -> None:
    assert run(PROGRAM.replace("2525", "1")).startswith("❌ 邮件发送失败: ")


def test_both_languages_have_the_same_sections_and_show_the_same() -> None:
    assert [heading.level for heading in ENGLISH.headings] == [heading.level for heading in CHINESE.headings]
    assert [(block.info, block.text) for block in ENGLISH.blocks] == [
        (block.info, block.text) for block in CHINESE.blocks
    ]


@pytest.mark.parametrize("language", ["go", "powershell"])
def test_the_seeds_other_languages_are_there(language: str) -> None:
    assert language in {block.info for block in ENGLISH.blocks}
