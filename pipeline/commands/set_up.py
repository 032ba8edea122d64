"""The commands before a run: a recipe to start from, and what one can name."""

from pathlib import Path
from typing import Annotated

import typer

from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console
from hipo_data.schemas.errors import UserError


def register(app: typer.Typer) -> None:
    """Adds `init`, `recipes`, `families` and `filters` to the command line."""
    app.command("init", rich_help_panel=Panel.SET_UP)(init)
    app.command("recipes", rich_help_panel=Panel.SET_UP)(list_recipes)
    app.command("families", rich_help_panel=Panel.SET_UP)(list_families)
    app.command("filters", rich_help_panel=Panel.SET_UP)(list_filters)


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("recipe.yaml"),
    engine: Annotated[str, typer.Option("--engine", help="vllm or openai.")] = "vllm",
) -> None:
    """Write a commented recipe to start from: every key with its default."""
    from hipo_data.pipeline.init_recipe import recipe

    if path.exists():
        raise UserError(f"{path} is there already; remove it or name another file")
    path.write_text(recipe(engine), encoding="utf-8")
    console().print(f"wrote {path}; next: hipo-data plan --config {path}", highlight=False)


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
