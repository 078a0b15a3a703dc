import json
import signal
import smtplib
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.cli.process import Process, ended, started


def _place(process: Process, name: str) -> str:
    return process.line(name, stream="out").split()[1]


def test_the_emulators_say_where_they_are_and_what_arrives(tmp_path: Path) -> None:
    with started("sandbox", "--port", "0", "--smtp-port", "0", cwd=tmp_path) as process:
        process.line("Ctrl-C", stream="out")
        body = {"msg_type": "text", "content": {"text": "你好\n世界"}}
        request = urllib.request.Request(_place(process, "feishu"), json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["code"] == 0
        assert process.line("你好", stream="out").split()[1:] == ["✓", "feishu", "demo", "你好", "世界"]
        host, _, port = _place(process, "email").partition(":")
        with smtplib.SMTP(host, int(port), timeout=10) as mail:
            mail.sendmail("a@example.com", ["b@example.com"], b"Subject: hello\r\n\r\nworld\r\n")
        process.line("email", "hello → b@example.com", stream="out")
        with urllib.request.urlopen(_place(process, "网页"), timeout=10) as page:
            assert page.status == 200
        process.signal(signal.SIGINT)
        assert process.end().code == 0


def test_a_refused_call_is_shown_with_the_platforms_answer(tmp_path: Path) -> None:
    with started("sandbox", "--port", "0", "--smtp-port", "0", cwd=tmp_path) as process:
        process.line("Ctrl-C", stream="out")
        request = urllib.request.Request(_place(process, "wechat"), b"{}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["errcode"] != 0
        assert process.line("✗ wechat", stream="out")
        process.signal(signal.SIGTERM)
        assert process.end().code == 0


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        finished = ended("sandbox", "--port", str(port), "--smtp-port", "0", cwd=tmp_path)
    assert (
        finished.err
        == f"pushserver: 无法监听 127.0.0.1:{port}（Address already in use），请换一个地址或端口\n"
    )
    assert (finished.code, finished.out) == (69, "")


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_this_machines_is_one_line(host: str, tmp_path: Path) -> None:
    finished = ended("sandbox", "--host", host, "--port", "0", "--smtp-port", "0", cwd=tmp_path)
    (line,) = finished.err_lines
    assert line.startswith(f"pushserver: 无法监听 {host}:0（")
    assert "Unknown error" not in line
    assert finished.code == 69
