"""`-v` and `-q` mean the same wherever they are."""

import logging
import os
from collections.abc import Iterator

import pytest
import typer
from typer.main import get_command

from hipo_data.evaluation.cli import register as register_eval
from hipo_data.figures.heard import heard
from hipo_data.pipeline.commands.run import register as register_run
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.cli import register as register_train

SAID_BY = ("TRANSFORMERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A log and variables as a process has them at its start."""
    for name in SAID_BY:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    log = logging.getLogger("hipo_data")
    level, handlers = log.level, list(log.handlers)
    yield
    log.setLevel(level)
    log.handlers[:] = handlers


def test_quiet_is_silent_but_for_errors(capsys: pytest.CaptureFixture[str]) -> None:
    talk = heard(verbose=False, quiet=True)
    talk.print("on the way")
    logging.getLogger("hipo_data.trainer").warning("slow")
    logging.getLogger("hipo_data.trainer").error("broken")
    said = capsys.readouterr()
    assert said.out == "" and said.err == "error trainer: broken\n"
    assert [os.environ[name] for name in SAID_BY] == ["error", "1"]


def test_verbose_tells_what_is_logged_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    heard(verbose=True, quiet=False).print("on the way")
    logging.getLogger("hipo_data.engines").debug("asked http://me:secret@host/v1\x1b[2J")
    said = capsys.readouterr()
    assert said.out == "on the way\n" and said.err == "debug engines: asked http://***@host/v1[2J\n"
    assert os.environ["TRANSFORMERS_VERBOSITY"] == "info"


def test_neither_leaves_libraries_alone_and_both_are_refused() -> None:
    heard(verbose=False, quiet=False)
    assert not set(SAID_BY) & set(os.environ)
    with pytest.raises(UserError, match="exclude each other"):
        heard(verbose=True, quiet=True)


def test_all_commands_that_take_a_while_have_both() -> None:
    app = typer.Typer()
    for register in (register_run, register_eval, register_train):
        register(app)
    top = get_command(app).commands  # type: ignore[attr-defined]
    own = {name: top[name] for name in ("run", "plan", "check")}
    for group in ("eval", "train"):
        own |= {f"{group} {name}": command for name, command in top[group].commands.items()}
    assert {"eval run", "eval report", "eval compare", "train sft", "train rl"} <= set(own)
    for name, command in own.items():
        flags = {flag for each in command.params for flag in each.opts}
        assert {"-v", "-q"} <= flags, name
