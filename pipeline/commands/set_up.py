"""The commands before a run: a recipe to start from, and what one can name."""

from pathlib import Path
from typing import Annotated

import typer

from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console


def register(app: typer.Typer) -> None:
    """Adds `init`, `recipes`, `families` and `filters` to the command line."""
    app.command("init", rich_help_panel=Panel.SET_UP)(init)
    app.command("recipes", rich_help_panel=Panel.SET_UP)(list_recipes)
    app.command("families", rich_help_panel=Panel.SET_UP)(list_families)
    app.command("filters", rich_help_panel=Panel.SET_UP)(list_filters)


def init(
    path: Annotated[Path | None, typer.Argument(help="The file to write. Default: recipe.yaml.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--from", help="Make it for these data by looking at them: a file, glob or folder, or a dataset on the Hub."
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="embedded (the default with --from), vllm (without), openai, or replay."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="The teacher of --engine vllm or openai.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="The endpoint of --engine openai.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write, as the argument.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a recipe to start from: for data of your own with --from, else with every key and its default."""
    from hipo_data.pipeline.init_recipe.write import write_recipe

    write_recipe(console(), path, out, data, engine, model, url, force)


def list_recipes() -> None:
    """List the recipes that come with the package; `--config NAME` takes one."""
    from hipo_data.pipeline.views.recipe_list import print_recipes

    print_recipes(console())


def list_families(
    name: Annotated[
        str | None, typer.Argument(help="Show all of one family: its name, or the path of a YAML file.")
    ] = None,
) -> None:
    """List the families of models whose modes and responses are known; `family` names one in a recipe."""
    from hipo_data.pipeline.views.family_list import print_families, print_family

    if name is None:
        print_families(console())
    else:
        print_family(console(), name)


def list_filters(
    examples: Annotated[
        bool, typer.Option("--examples", help="Also the questions that each rule is tried on.")
    ] = False,
) -> None:
    """List the rules that ingest cleans and refuses questions by; `ingest.filters` turns them on and off."""
    from hipo_data.pipeline.views.filter_list import print_filters

    print_filters(console(), examples)
