"""A recipe made for somebody's data by looking at them."""

from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import is_offline_mode
from pydantic import ValidationError

from hipo_data.figures.plural import counted
from hipo_data.figures.text import percent
from hipo_data.pipeline.init_recipe.columns import Guess, guess
from hipo_data.pipeline.init_recipe.engine_part import engine_part
from hipo_data.pipeline.init_recipe.flow import flow
from hipo_data.pipeline.init_recipe.from_rollouts import looked_at as rollouts_looked_at
from hipo_data.pipeline.init_recipe.from_rollouts import tool_that_wrote
from hipo_data.pipeline.init_recipe.places import Place, find_place
from hipo_data.pipeline.init_recipe.sample import ROWS, Sample, look
from hipo_data.prompts.families.roles import with_families
from hipo_data.schemas.config import IngestConfig, RunConfig, SourceConfig
from hipo_data.schemas.config_file import sentences
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.yaml_tree import yaml_tree
from hipo_data.stages.ingest.none_accepted import Taken
from hipo_data.stages.ingest.origins import files_of
from hipo_data.stages.ingest.reading.blocks import first_block
from hipo_data.stages.ingest.reading.files import SourceFile
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError
from hipo_data.stages.ingest.rows import Reader, read_rows
from hipo_data.stages.ingest.sources import adapter_of, own_config

_OWN_SHAPES = ("am_thinking", "skywork", "ii_thought")
"""Adapters whose columns say by themselves whose they are."""
_LARGE = 5_000
"""Problems of a first run over one of the large datasets."""
_LEFT_OUT = 12


@dataclass(frozen=True)
class Made:
    """A recipe's text, and a sentence for each thing that was decided or left out."""

    text: str
    said: list[str] = field(default_factory=list)


def recipe_from(given: str, engine: str | None = None, model: str | None = None, url: str | None = None) -> Made:
    """A recipe that runs as it is, over the data that `given` names.

    Args:
        given: a file, glob or folder, or the name of a dataset on the Hub.
        engine, model, url: as `engine_part.engine_part` has them.

    Raises `UserError` where the data cannot be used, or the engine is none; `SourceError` where the Hub fails.
    """
    place = find_place(given)
    if engine is None and place.adapter is None and (made := _of_rollouts(place)) is not None:
        return made
    part = engine_part(engine, model, url)
    if place.adapter is not None:
        keys = {"type": place.adapter, "revision": place.keys["revision"]}
        said = [
            f"source: {place.shown} by its own adapter, from the Hub at {keys['revision']}; nothing of it was read yet",
            f"limit: {_LARGE:,} problems, since the dataset is large; take the key out for all",
        ]
        head = _head(place, keys, [], f"\ningest:\n  limit: {_LARGE}\n")
    else:
        keys, comments, said = _looked_at(place)
        head = _head(place, keys, comments, "")
    text = f"{head}\n{part.text}\npublish:\n  title: {flow(f'Hybrid-reasoning data from {place.name}')}\n"
    _check(text)
    return Made(text, [*place.said, *said, *part.said])


def _of_rollouts(place: Place) -> Made | None:
    """The recipe where the files are rollouts that a tool wrote, all of whose modes are there; null elsewhere."""
    if "path" not in place.keys:
        return None
    tool = tool_that_wrote(files_of(SourceConfig.model_validate({"type": "table", **place.keys})))
    if tool is None:
        return None
    part, said = rollouts_looked_at(tool, place.keys)
    head = _head(place, {"type": "rollouts", "format": tool, **_named(place)}, [], "")
    title = flow(f"Hybrid-reasoning data from {place.name}")
    text = f"{head}{part}\npublish:\n  format: qwen3\n  title: {title}\n"
    _check(text)
    return Made(text, [*place.said, *said])


def _looked_at(place: Place) -> tuple[dict[str, Any], list[str], list[str]]:
    """The source's keys, comments for the recipe, and sentences."""
    stream = {} if "path" in place.keys or is_offline_mode() else {"stream": True}
    files = files_of(SourceConfig.model_validate({"type": "table", **place.keys, **stream}))
    sample = look(files, place.shown)
    for name in _OWN_SHAPES:
        taken = _tried({"type": name, **place.keys}, files, sample)
        if taken is not None and taken.accepted * 2 > taken.rows:
            said = [f"source: these are rows as {_dataset(name)} has them, read by its adapter {name}"]
            return {"type": name, **_named(place)}, [], [*said, *_counts(taken, sample)]
    found = guess(sample, place.shown)
    keys: dict[str, Any] = {"type": "table", **_named(place), "kind": found.kind.value, "columns": found.columns}
    if found.gold_is != "answer":
        keys["gold_is"] = found.gold_is
    if found.turns != "one":
        keys["turns"] = found.turns
    taken = _tried(keys, files, sample)
    assert taken is not None
    if not taken.accepted:
        reasons = "; ".join(
            f"{reason} {rows:,} ({taken.words[reason]})" for reason, rows in taken.refused.most_common(3)
        )
        raise UserError(f"none of the {counted(taken.rows, 'row')} of {place.shown} would be a problem: {reasons}")
    said = [*found.said, *_unused(sample, found), *_counts(taken, sample)]
    if found.systems:
        said.insert(len(found.said), f"left out: the system turns of {counted(found.systems, 'chat')}")
    return keys, found.said, said


def _named(place: Place) -> dict[str, str]:
    """Where the source is, with a name for its rows."""
    return place.keys if "name" in place.keys else {**place.keys, "name": place.name}


def _dataset(adapter: str) -> str:
    return adapter_of(SourceConfig(type=adapter, path="-")).DATASET


def _tried(keys: dict[str, Any], files: list[SourceFile], sample: Sample) -> Taken | None:
    """What ingest would make of the first rows; null where they lack a column of the adapter."""
    source = SourceConfig.model_validate(keys)
    reader = Reader(adapter_of(source), own_config(source), IngestConfig(), None, source.licence)
    needed = {column.path.partition(".")[0] for column in reader.columns}
    if keys["type"] != "table" and len(needed & set(sample.tops)) < min(2, len(needed)):
        return None
    taken = Taken()
    share = max(1, ROWS // len(files[:8]))
    for file in files[:8]:
        try:
            block = first_block(file, reader.columns, share)
        except UnreadableFileError as error:
            raise UserError(f"{file.label} {error}") from error
        if block is not None:
            read = read_rows(block, reader)
            taken.add(read.rows, len(read.accepted), read.refused)
    return taken


def _counts(taken: Taken, sample: Sample) -> list[str]:
    """How many rows would be problems, and why the others would not."""
    of = "all" if sample.whole else "the first"
    said = [
        f"rows: of {of} {taken.rows:,}, {taken.accepted:,} can be problems ({percent(taken.accepted / taken.rows)}), "
        "before duplicates are merged"
    ]
    return said + [
        f"refused: {counted(rows, 'row')} as {reason}: {taken.words[reason]}"
        for reason, rows in taken.refused.most_common()
    ]


def _unused(sample: Sample, found: Guess) -> list[str]:
    paths = [path for held in found.columns.values() for path in ([held] if isinstance(held, str) else held)]
    used = {path.partition(".")[0] for path in paths} | set(paths)
    unused = [name for name in sample.tops if name not in used]
    more = f" and {len(unused) - _LEFT_OUT} more" if len(unused) > _LEFT_OUT else ""
    return [f"not used: {', '.join(unused[:_LEFT_OUT])}{more}"] if unused else []


def _head(place: Place, keys: dict[str, Any], comments: list[str], more: str) -> str:
    """The name and the one source."""
    first, *rest = (f"{name}: {flow(value)}" for name, value in keys.items())
    lines = [f"  - {first}", *(f"    {line}" for line in rest)]
    why = "".join(f"    # {sentence}\n" for sentence in comments)
    return (
        f"# Made for {place.shown} by `hipo-data init`. Every other key has its default; without --from,\n"
        "# `hipo-data init` writes them all.\n"
        f"name: {place.name}\nseed: 0\n\nsources:\n" + "\n".join(lines) + f"\n{why}{more}"
    )


def _check(text: str) -> None:
    """Raises `UserError` where the recipe would be refused, such as for a model that cannot leave thinking out."""
    try:
        with_families(RunConfig.model_validate(yaml_tree(text)))
    except ValidationError as error:
        raise UserError(sentences(RunConfig, error)) from error
