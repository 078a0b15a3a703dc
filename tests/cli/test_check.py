from pathlib import Path

import pytest

from pushserver.cli import main
from tests.cli.configurations import configuration, written

FAULTY = """\
server:
  prot: 8080
queue:
  timeout: soon
recipients:
  ops:
    platforms:
      feishu:
        webhooks:
          - url: planted-url-token
            secret: [planted-secret]
"""


def test_every_fault_is_listed_on_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "faulty.yaml"
    path.write_text(FAULTY)
    assert main(["check", "--config", str(path)]) == 1
    *faults, total = capsys.readouterr().out.splitlines()
    assert [fault.partition(": found")[0] for fault in faults] == [
        f"✗ {path}:2: server.prot",
        f"✗ {path}:4: queue.timeout",
        f"✗ {path}:10: recipients.ops.platforms.feishu.webhooks[0].url",
        f"✗ {path}:11: recipients.ops.platforms.feishu.webhooks[0].secret",
    ]
    assert total == "共 4 处错误"


def test_faults_do_not_show_what_may_be_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "faulty.yaml"
    path.write_text(FAULTY)
    main(["check", "--config", str(path)])
    shown = capsys.readouterr()
    assert "planted" not in shown.out + shown.err


def test_a_usable_configuration_is_summed_up(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-config", str(config)]) == 0
    shown = capsys.readouterr()
    rows = [line.split() for line in shown.out.splitlines()]
    assert rows[0] == ["✓", str(config), "配置有效"]
    assert ["接收者", "1"] in rows
    assert ["存储", "sqlite"] in rows
    assert ["feishu", "1", "1"] in rows
    assert shown.err == ""


def test_what_is_odd_is_said_beside_the_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "c.yaml", configuration(tmp_path, recipients={"lost": {}}))
    assert main(["check", "--config", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.err == "警告: recipients.lost: no usable channel, every push to it will be refused\n"
    assert "1（1 个没有可用渠道）" in shown.out


def test_a_store_that_serve_would_refuse_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = {"url": "postgresql://push:planted-password@db.example.com/push"}
    path = written(tmp_path / "c.yaml", configuration(tmp_path, storage=storage))
    assert main(["check", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert "storage.url names a database of the kind 'postgresql'" in out
    assert "planted" not in out


def test_a_missing_file_is_the_only_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(tmp_path / "none.yaml")]) == 1
    fault, total = capsys.readouterr().out.splitlines()
    assert "no readable file (No such file or directory)" in fault
    assert total == "共 1 处错误"
