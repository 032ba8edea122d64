"""The commands of the trainer, which `hipo-data` takes up from the entry points `hipo_data.commands`."""

from pathlib import Path
from typing import Annotated

import typer

from hipo_data.figures.heard import QuietOption, VerboseOption, heard
from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The training recipe: a YAML file, or a name of `hipo-data recipes`.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Override one key, such as optimiser.learning_rate=1e-5. Repeatable.")
]

_train = typer.Typer(help="Train a model on a published dataset, with TRL.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds `train sft` and `train rl` to the command line."""
    app.add_typer(_train, name="train", rich_help_panel=Panel.TRAIN)


@_train.command()
def sft(
    config: ConfigOption,
    overrides: SetOption = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fine-tune on the examples in sft/: a cold start. Run it again to go on from the last checkpoint."""
    talk = heard(verbose, quiet)
    from hipo_data.trainer.training.config import SftConfig
    from hipo_data.trainer.training.run import read_recipe
    from hipo_data.trainer.training.sft import run_sft

    console(soft_wrap=True).print(run_sft(read_recipe(SftConfig, config, overrides or []), talk.print))


@_train.command()
def rl(
    config: ConfigOption,
    overrides: SetOption = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train by reward on the problems in rl/. Run it again to go on from the last checkpoint."""
    talk = heard(verbose, quiet)
    from hipo_data.trainer.training.config import RlConfig
    from hipo_data.trainer.training.rl import run_rl
    from hipo_data.trainer.training.run import read_recipe

    console(soft_wrap=True).print(run_rl(read_recipe(RlConfig, config, overrides or []), talk.print))
