"""``pushserver smtp``: the relay tried out as its clients, and its queue worked through."""

import io
import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from pushserver.cli import mails, main
from pushserver.cli.client import Client
from pushserver.cli.errors import CommandFailed
from pushserver.config import load
from pushserver.sandbox import MailSink, Sandbox
from pushserver.service import Service
from tests.cli.configurations import configuration, written

CHECKED = """\
=== SMTP中继认证检查 ===
✅ 连接成功
✅ EHLO成功
✅ 认证成功！
✅ MAIL FROM成功
✅ RCPT TO成功
✅ QUIT成功

🎉 SMTP中继认证检查完全成功！
"""
"""The seed's own words."""
DEADLINE = 20.0


@dataclass(frozen=True)
class Relay:
    service: Service
    sink: MailSink
    config: Path

    @property
    def place(self) -> list[str]:
        return ["--config", str(self.config), "--port", str(self.service.smtp_port)]

    @property
    def url(self) -> list[str]:
        return ["--url", f"http://127.0.0.1:{self.service.port}"]


def section(sink: MailSink, **settings: Any) -> dict[str, Any]:
    account = {
        "name": "main",
        "host": sink.host,
        "port": sink.port,
        "from": "main@corp.example",
        "tls": False,
    }
    auth = {"username": "relay_user", "password": "relay_pass"}
    usual = {"enabled": True, "host": "127.0.0.1", "port": 0, "auth": auth, "accounts": [account]}
    return usual | settings


@pytest.fixture(scope="module")
def relay(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    directory = tmp_path_factory.mktemp("relay")
    sink = sandbox.smtp("cli")
    config = written(directory / "push.yaml", configuration(directory, smtp_relay=section(sink)))
    with Service(load(config, {}).settings) as service:
        yield Relay(service, sink, config)


@pytest.fixture(autouse=True)
def empty_sink(relay: Relay) -> None:
    relay.sink.recover()
    relay.sink.clear()


# As a client -----------------------------------------------------------------------------------------


def test_the_check_says_what_the_seeds_said_and_sends_nothing(
    relay: Relay, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["smtp", "check", *relay.place]) == 0
    assert capsys.readouterr().out == CHECKED
    assert relay.sink.arrivals == []


def test_the_check_names_the_step_that_fails(
    relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = section(relay.sink, auth={"username": "relay_user", "password": "wrong-pass"})
    config = written(tmp_path / "push.yaml", configuration(tmp_path, smtp_relay=wrong))
    assert main(["smtp", "check", "--config", str(config), "--port", str(relay.service.smtp_port)]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "✅ EHLO成功"
    assert said.err.splitlines()[-1].startswith("pushserver: 认证失败: 535 ")
    assert "wrong-pass" not in said.out + said.err


def test_the_check_goes_on_under_tls_where_a_certificate_is_configured(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    issued = trustme.CA().issue_cert("relay.example")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    tls = {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem"), "require": True}
    content = configuration(tmp_path, smtp_relay=section(sandbox.smtp("tls"), tls=tls))
    config = written(tmp_path / "push.yaml", content)
    with Service(load(config, {}).settings) as service:
        assert main(["smtp", "check", "--config", str(config), "--port", str(service.smtp_port)]) == 0
    assert capsys.readouterr().out == CHECKED.replace("✅ 认证", "✅ STARTTLS成功\n✅ 认证")


def test_a_mail_is_sent_through_the_relay(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    to = ["--to", "ann@corp.example", "--to", "bob@corp.example"]
    assert main(["smtp", "send", *to, "-t", "打印机卡纸", "-m", "第 3 盘", *relay.place]) == 0
    assert re.fullmatch(r"✅ 邮件发送成功！2.0.0 OK: queued as mail_\w+\n", capsys.readouterr().out)
    (mail,) = relay.sink.wait()
    assert mail.mailboxes == ("ann@corp.example", "bob@corp.example")
    assert (mail.subject, mail.text) == ("打印机卡纸", "第 3 盘")
    assert mail.message["From"] == "main@corp.example"


def test_another_sender_is_where_answers_go(relay: Relay) -> None:
    ask = ["smtp", "send", "--to", "ann@corp.example", "--from", "me@corp.example", "-t", "T", "-m", "M"]
    assert main([*ask, *relay.place]) == 0
    (mail,) = relay.sink.wait()
    assert mail.message["Reply-To"] == "me@corp.example"


def test_what_cannot_be_sent_is_said_in_one_line(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["smtp", "send", "--from", "me@corp.example", "-m", "M", *relay.place]
    assert main([*ask, "--to", "a@corp.example\nBcc: eve@evil.example", "-t", "T"]) == 2
    assert "邮件头无法写成" in capsys.readouterr().err
    assert main([*ask, "--to", "not an address", "-t", "T"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("pushserver: RCPT TO失败: 5")


def test_nobody_there_is_exit_code_69(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        assert main(["smtp", "check", "--config", str(relay.config), "--port", port]) == 69
    assert f"无法与 127.0.0.1:{port} 对话（Connection refused）" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "code", "complaint"),
    [({"enabled": False}, 78, "SMTP中继未启用"), ({"port": 0}, 2, "请用 --port 指定实际端口")],
)
def test_a_configuration_without_a_place_to_go_is_told(
    relay: Relay,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    settings: dict[str, Any],
    code: int,
    complaint: str,
) -> None:
    content = configuration(tmp_path, smtp_relay=section(relay.sink, **settings))
    config = written(tmp_path / "push.yaml", content)
    assert main(["smtp", "check", "--config", str(config)]) == code
    assert complaint in capsys.readouterr().err


# The queue -------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(relay: Relay, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """A mail that its server puts off; its id."""
    relay.sink.refuse("ann@corp.example", "451 4.7.1 greylisted")
    send = ["smtp", "send", "--to", "ann@corp.example", "-t", "打印机卡纸", "-m", "M", *relay.place]
    assert main(send) == 0
    mail_id = capsys.readouterr().out.split()[-1]
    client = Client(relay.url[1])
    _until(lambda: client.mails({})["mails"][0]["recipients"][0]["tries"] == 1)
    yield mail_id
    client.drop_mails([mail_id])


def _until(holds: Any) -> None:
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end


def test_the_mails_that_wait_are_listed_with_the_reason(
    waiting: str, relay: Relay, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["queue"], ["queue", "list"]):
        assert main(["smtp", *command, *relay.url]) == 0
        head, mail, reason, footer = capsys.readouterr().out.splitlines()
        assert head.split() == ["收到", "下次", "状态", "主题", "/", "原因", "ID"]
        assert "等待 1" in mail
        assert "打印机卡纸" in mail
        assert mail.endswith(waiting)
        assert reason.strip() == "ann@corp.example: 451 4.7.1 greylisted"
        assert footer == "共 1 封，第 1 到 1 封"


def test_filters_are_handed_on(waiting: str, relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smtp", "queue", "list", "--state", "bounced", *relay.url]) == 0
    assert capsys.readouterr().out == "没有邮件\n"
    assert main(["smtp", "queue", "--state", "waiting", "--limit", "7", "--json", *relay.url]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [mail["id"] for mail in data["mails"]] == [waiting]
    assert data["pagination"] == {"total": 1, "limit": 7, "offset": 0, "count": 1}


def test_a_mail_is_tried_again_now(waiting: str, relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    relay.sink.recover()
    assert main(["smtp", "queue", "retry", waiting, *relay.url]) == 0
    assert capsys.readouterr().out == "已安排立即重试 1 封邮件\n"
    relay.sink.wait()


def test_all_mails_are_tried_again_now(waiting: str, relay: Relay) -> None:
    relay.sink.recover()
    assert main(["smtp", "queue", "retry", "--all", *relay.url]) == 0
    relay.sink.wait()


def test_retry_wants_ids_or_all_and_not_both(
    waiting: str, relay: Relay, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["smtp", "queue", "retry", *relay.url]) == 2
    assert main(["smtp", "queue", "retry", waiting, "--all", *relay.url]) == 2
    assert capsys.readouterr().err.count("请给出邮件 ID，或用 --all 重试全部") == 2


def test_a_mail_is_given_up(waiting: str, relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smtp", "queue", "drop", waiting, "--yes", *relay.url]) == 0
    assert capsys.readouterr().out == "已放弃 1 封邮件\n"
    assert main(["smtp", "queue", "--state", "dropped", *relay.url]) == 0
    assert waiting in capsys.readouterr().out
    assert main(["smtp", "queue", "drop", waiting, "--yes", "--json", *relay.url]) == 0
    assert json.loads(capsys.readouterr().out) == {"dropped_count": 0}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_before_giving_up_somebody_is_asked(waiting: str, relay: Relay) -> None:
    url = relay.url[1]
    with pytest.raises(CommandFailed, match="请加 --yes 确认"):
        mails.drop([waiting], url, io.StringIO("y\n"), yes=False, as_json=False)
    with pytest.raises(CommandFailed, match="没有放弃任何邮件"):
        mails.drop([waiting], url, Terminal("\n"), yes=False, as_json=False)
    assert mails.drop([waiting], url, Terminal("y\n"), yes=False, as_json=False) == 0
