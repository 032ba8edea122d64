import json
import os
import pty
import re
import signal
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hipo_data.figures.terminal import console, json_text, plain


def test_a_log_holds_whole_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    console().print("x" * 180, highlight=False)
    assert capsys.readouterr().out == "x" * 180 + "\n"


HOSTILE = "a\x1b[2J\x1b]8;;http://evil\x1b\\b\x9b31m\x07\u202ec\u2066\r\x00\x7f[red]:smile:[/]"


def test_nothing_that_a_text_holds_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither by the terminal nor by what writes to it: as a line, in a cell, in a panel and its title."""
    out = console()
    out.print(HOSTILE)
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    out.print(table, Panel(Text(HOSTILE), title=Text(HOSTILE)), Text(HOSTILE))
    said = capsys.readouterr().out
    assert said.count("a[2J]8;;http://evil\\b31mc[red]:smile:[/]") == 6
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", said)


def test_a_live_terminal_gets_no_codes_but_those_of_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    console(stderr=True).print(HOSTILE, style="red")
    said = capsys.readouterr().err
    assert re.sub(r"\x1b\[(?:31|0)m", "", said) == "a[2J]8;;http://evil\\b31mc[red]:smile:[/]\n"
    assert said.startswith("\x1b[31m")


@given(st.text())
def test_a_text_is_cleaned_once_and_json_loses_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    shown = json_text({"row": text})
    assert plain(shown) == shown
    assert json.loads(shown) == {"row": text}


def test_a_terminal_that_is_closed_is_a_sighup_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system tells of it a moment after the first write has failed."""
    came: list[int] = []
    handler = signal.signal(signal.SIGHUP, lambda number, frame: came.append(number))
    other, own = pty.openpty()
    try:
        with os.fdopen(own, "w") as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            out = console()
            os.close(other)
            out.print("a line")
            with open(os.devnull, "w") as nowhere:  # for what is left in the buffer
                os.dup2(nowhere.fileno(), own)
            monkeypatch.undo()
    finally:
        signal.signal(signal.SIGHUP, handler)
    assert set(came) == {signal.SIGHUP}
