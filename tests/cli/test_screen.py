import io
import sys

import pytest

from pushserver.cli import screen


def test_a_complaint_is_one_line_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    screen.complain("first\nsecond\r\x1b[31m" + "x" * 300)
    assert capsys.readouterr().err == f"pushserver: first second  [31m{'x' * 300}\n"


def test_square_brackets_are_text_and_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    screen.warn("recipients[0] [red]")
    assert capsys.readouterr().err == "警告: recipients[0] [red]\n"


def test_a_terminal_without_chinese_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))
    screen.steady_streams()
    sys.stdout.write("服务")
    sys.stdout.flush()
    assert raw.getvalue() == rb"\u670d\u52a1"
