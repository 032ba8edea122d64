"""Options that several commands take, and what follows from them."""

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from hipo_data.schemas.config import RunConfig


def names_of_recipes(incomplete: str) -> list[str]:
    """For a shell's completion: recipes that come with the package, then folders and YAML files of this folder."""
    from hipo_data.schemas.packaged import recipes

    here = sorted(Path().glob(f"{glob.escape(incomplete)}*"))
    files = [f"{path}/" if path.is_dir() else str(path) for path in here if path.is_dir() or path.suffix in _YAML]
    return [name for name in recipes() if name.startswith(incomplete)] + files


_YAML = (".yaml", ".yml")
ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        help="The recipe: a YAML file, or a name of `hipo-data recipes`.",
        autocompletion=names_of_recipes,
    ),
]
UsedRecipeOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="Also what this recipe needs: a YAML file, or a name.", autocompletion=names_of_recipes
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Override one key, such as select.delta=0.2. May be repeated.")
]
RunDirOption = Annotated[
    str | None,
    typer.Option("--run-dir", help="Where the run lives: a folder, or s3://BUCKET/PREFIX. Default: runs/<name>."),
]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Keep this many problems.")]
RayAddressOption = Annotated[
    str | None, typer.Option("--ray-address", help="A Ray cluster to join. Default: RAY_ADDRESS, else a local Ray.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN_DIR", help="The directory of a run: a folder, or s3://BUCKET/PREFIX.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]
ChartOption = Annotated[Path | None, typer.Option("--out", help="Also a chart: a file that ends in .svg or .png.")]


def overrides_of(given: list[str] | None, limit: int | None = None, ray_address: str | None = None) -> list[str]:
    """What is laid over a recipe: `--set`, then the options that are short for it."""
    found = [*(given or [])]
    if limit:
        found.append(f"ingest.limit={limit}")
    if ray_address:
        found.append(f"ray.address={ray_address}")
    return found


def notice(config: "RunConfig", talk: "Console") -> None:
    """Says what a recipe's author should know of its δ."""
    from hipo_data.stages.select.boundary import notice as of_delta

    if said := of_delta(config.select, config.sample):
        talk.print(said, highlight=False)
