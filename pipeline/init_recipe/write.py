"""`hipo-data init`: writes a recipe, and says what was decided."""

from pathlib import Path

from rich.console import Console

from hipo_data.pipeline.init_recipe.places import has_end
from hipo_data.schemas.errors import UserError

_DEFAULT = Path("recipe.yaml")


def write_recipe(
    console: Console,
    path: Path | None,
    out: Path | None,
    data: str | None,
    engine: str | None,
    model: str | None,
    url: str | None,
    force: bool,
) -> None:
    """Writes the recipe for `data`, or without it the one with every key. Asks nothing.

    Raises `UserError` before anything is written where the file is there already and not to be replaced, or where the
    data or the engine cannot be used.
    """
    if path is not None and out is not None:
        raise UserError(f"the file to write is given twice, as {path} and as --out {out}; leave one of them out")
    target = path or out or _DEFAULT
    if target.is_dir():
        raise UserError(f"{target} is a folder; name the file to write")
    if has_end(target.name):
        why = "" if data else f"; `hipo-data init --from {target}` makes a recipe for the data in it"
        raise UserError(f"{target} is the name of a file of data, and a recipe is YAML{why}")
    if target.exists() and not force:
        raise UserError(f"{target} is there already; name another file, or write over it with --force")
    said: list[str] = []
    if data is None:
        from hipo_data.pipeline.init_recipe.every_key import recipe

        text = recipe(engine or ("openai" if url else "vllm"), model, url)
    else:
        from hipo_data.pipeline.init_recipe.from_data import recipe_from

        made = recipe_from(data, engine, model, url)
        text, said = made.text, made.said
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}") from error
    for sentence in said:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    console.print(f"wrote {target}; next: hipo-data plan --config {target}", highlight=False, soft_wrap=True)
