import pytest

from hipo_data.figures.terminal import console


def test_a_log_holds_whole_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    console().print("x" * 180, highlight=False)
    assert capsys.readouterr().out == "x" * 180 + "\n"
