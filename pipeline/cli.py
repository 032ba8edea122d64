"""The command line: its commands, and how each ends. Heavy imports wait until a command needs them: help is quick."""

import errno
import logging
import sys
import traceback
from importlib.metadata import entry_points, version
from typing import Annotated

import typer

from hipo_data.figures.terminal import console, plain
from hipo_data.graders.cli import register as register_grade
from hipo_data.pipeline.commands import ask, doctor, look, run, set_up, ship, view
from hipo_data.pipeline.stop_signals import heeded
from hipo_data.schemas.errors import ExitCode, RunFailedError, UserError
from hipo_data.schemas.without_secrets import shown_text

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_OF_A_PLACE = {
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT,
    errno.ENAMETOOLONG,
}  # fmt: skip
"""What is the matter with a place for files, and not with this program."""


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"hipo-data {version('hipo-data')}")
        raise typer.Exit


@app.callback()
def options(
    asked: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Turns math and code problems into training data for models that decide when to think."""


# In the order of help; a command of a new subject is a file in commands/ and a name here.
for subject in (set_up, doctor, run, look, view, ask, ship):
    subject.register(app)
register_grade(app)


def main() -> None:
    """Entry point. Ends with one of `ExitCode`; docs/errors.md says what each asks for."""
    with heeded():
        code = _run_command()
        if code == ExitCode.STOPPED:
            console(stderr=True).print("stopped; run the same command again to go on")
        sys.exit(code)


def _run_command() -> int:
    try:
        for plugin in entry_points(group="hipo_data.commands"):
            plugin.load()(app)
        code: int = app(standalone_mode=False) or ExitCode.DONE  # what typer would have exited with
        return code
    except UserError as error:
        return _ended_by(error)
    except (typer.Abort, KeyboardInterrupt):
        return ExitCode.STOPPED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_A_PLACE and error.filename is not None:
            logging.getLogger(__name__).debug("where that was", exc_info=error)
            return _ended_by(RunFailedError(f"{error.filename}: {error.strerror}"))
        if (of_storage := _storage_error(error)) is not None:
            return _ended_by(of_storage)
        if hasattr(error, "show"):  # the command line itself is used wrongly
            error.show()
            return ExitCode.WRONG_USE
        sys.stderr.write(plain(shown_text(traceback.format_exc())))
        return ExitCode.FAILED


def _ended_by(error: UserError) -> ExitCode:
    console(stderr=True).print(f"error: {shown_text(str(error))}", style="red", soft_wrap=True)
    return error.exit_code


def _storage_error(error: Exception) -> UserError | None:
    """What the storage of a run said, where the command got as far as one."""
    remote = sys.modules.get("hipo_data.pipeline.store.remote")
    return remote.in_words(error) if remote is not None else None


if __name__ == "__main__":
    main()
