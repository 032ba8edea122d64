"""The command of the graders: any file of responses graded."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hipo_data.figures.help_panels import Panel
from hipo_data.schemas.errors import UserError

if TYPE_CHECKING:
    from hipo_data.schemas.grading import GradingConfig

SandboxUrlOption = Annotated[
    str | None, typer.Option("--sandbox-url", help="For remote: a service that speaks SandboxFusion's protocol.")
]


def register(app: typer.Typer) -> None:
    """Adds `grade` to the command line."""
    app.command("grade", rich_help_panel=Panel.TRAIN)(grade)


def grade(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="JSON Lines or Parquet: id, kind, question, gold, response.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the verdicts go, JSON Lines or Parquet.")],
    sandbox: Annotated[
        str, typer.Option("--sandbox", help="bubblewrap, landlock, remote, or none: limits alone, for code you trust.")
    ] = "bubblewrap",
    sandbox_url: SandboxUrlOption = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Grading processes.")] = 2,
) -> None:
    """Grade anybody's responses to math, code and multiple choice: correct, incorrect, or unknown, with a reason."""
    from hipo_data.graders import grade_file

    try:
        counts = grade_file(source, out, grading_of(sandbox, workers, sandbox_url))
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from error
    typer.echo(", ".join(f"{status} {n}" for status, n in counts.items()))


def grading_of(sandbox: str, workers: int, sandbox_url: str | None) -> "GradingConfig":
    """What the options mean. Raises `UserError` where they go together in no way."""
    from pydantic import ValidationError

    from hipo_data.schemas.grading import GradingConfig

    try:
        return GradingConfig.model_validate({"sandbox": sandbox, "workers": workers, "sandbox_url": sandbox_url})
    except ValidationError as error:
        if (sandbox == "remote") != (sandbox_url is not None):
            raise UserError("--sandbox remote and --sandbox-url go together; give both or neither") from error
        raise UserError(f"--sandbox is bubblewrap, landlock, remote or none, not '{sandbox}'") from error
