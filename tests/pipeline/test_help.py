"""The help of every command can be read on a terminal of 80 columns, and says what each option is for."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from hipo_data.figures.help_panels import Panel
from hipo_data.pipeline.cli import app

COLUMNS = 80


@pytest.fixture(scope="module")
def whole() -> Any:
    """The command line with the commands of all rooms, in a Typer app of its own: other tests have theirs without."""
    found = typer.Typer(no_args_is_help=True)
    found.registered_commands = [*app.registered_commands]
    found.registered_groups = [*app.registered_groups]
    found.registered_callback = app.registered_callback
    for plugin in entry_points(group="hipo_data.commands"):
        plugin.load()(found)
    return found


def commands_of(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands_of(command, (*words, name))


def shown(whole: Any, words: tuple[str, ...]) -> str:
    """The help of a command, whose tables and frames are taken out."""
    done = CliRunner().invoke(whole, [*words, "--help"], env={"COLUMNS": str(COLUMNS), "TERMINAL_WIDTH": ""})
    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines())) <= COLUMNS
    return done.output


def test_no_word_of_any_help_is_cut_and_every_option_says_what_it_is_for(whole: Any) -> None:
    seen = 0
    for words, command in commands_of(typer.main.get_command(whole)):
        text = shown(whole, words)
        assert "…" not in text, f"{words}: a word is cut\n{text}"
        read = set(re.sub(r"[│╭╮╰╯─]", " ", text).split())
        assert command.help, words
        for option in command.params:
            said = getattr(option, "help", None)
            assert said, f"{words}: {option.name} has no help"
            lost = [word for word in said.split() if word not in read]
            assert not lost, f"{words} {option.name}: {lost} of its help are broken\n{text}"
            assert [name for name in (*option.opts, *option.secondary_opts) if name.startswith("-")] == [
                name for name in (*option.opts, *option.secondary_opts) if name in read and name.startswith("-")
            ], f"{words}: {option.name} is broken\n{text}"
            seen += 1
    assert seen > 100


def test_commands_stand_under_headings_in_the_order_of_the_work(whole: Any) -> None:
    text = shown(whole, ())
    at = [text.index(f"─ {panel} ─") for panel in Panel]
    assert at == sorted(at)
    assert "─ Commands ─" not in text  # where one stands that names no heading


def test_a_command_that_nobody_gave_a_word_shows_the_list(whole: Any) -> None:
    done = CliRunner().invoke(whole, [])
    assert "Set up" in done.output
