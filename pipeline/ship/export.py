"""A published dataset as files that another library reads as they are."""

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.pipeline.ship.published import SPLITS, Published
from hipo_data.prompts.chat_template import chat_template
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.mix_config import PHASES
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.exports.chat_template import objection, renderer
from hipo_data.stages.publish.exports.levels import COLUMN, Told, levels_of, with_levels, with_prompt_levels
from hipo_data.stages.publish.exports.libraries import EXPORTS, Export, Table
from hipo_data.stages.publish.tables import PHASE

CHAT_TEMPLATE = "chat_template.jinja"


@dataclass
class Exported:
    """The format of the responses, null where there are none, and rows by file."""

    format: str | None
    rows: dict[str, int] = field(default_factory=dict)


def export(
    dataset: Published,
    to: str,
    out: Path,
    tokenizer: str | None = None,
    level: Told = "prompt",
    named: Mapping[str, str] | None = None,
    phase: int | None = None,
) -> Exported:
    """Writes `out`, which must be new or empty, as a whole or not at all.

    With the name or folder of a tokenizer, every conversation is rendered by its chat template first, as the library
    will. Raises `UserError`, also where that template does not render a response faithfully.

    Rows of a dataset with arms tell their level in a system turn or, with `level` kwargs, as an argument of the chat
    template; prompts for reinforcement learning that of the arm that their problem keeps. `named` are levels by arm, by
    default the arms' names. Of a dataset whose training rows come in phases, `phase` takes those of one; validation is
    the same for all.
    """
    if to not in EXPORTS:
        raise UserError(f"there is no export '{to}'; choose one of {', '.join(EXPORTS)}")
    wanted = EXPORTS[to]
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder; choose another --out")
    if tokenizer and not wanted.renders:
        raise UserError(f"--tokenizer has nothing to check in an export for {to}, which no chat template renders")
    for table in wanted.tables:
        if table.needed and not any(dataset.of(table.part, split) for split in SPLITS):
            raise UserError(f"{dataset.name} has no part '{table.part}', which this export is made from")
    dataset.check({path for table in wanted.tables for split in SPLITS for path in dataset.of(table.part, split)})
    form = None if to.endswith("-rl") else FORMATS[_format(dataset)]
    levels = _levels(dataset, to, wanted, level, named or {})
    if phase is not None:
        _check_phase(dataset, to, wanted, phase)
    exported = Exported(form.name if form else None)
    check = _Check(tokenizer, _template_of(tokenizer), form, wanted) if tokenizer and form else None
    aside = out.resolve().with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.tmp")
    aside.mkdir(parents=True)
    try:
        for table in wanted.tables:
            _write(dataset, table, aside, exported.rows, check, levels, phase if table.part == "sft" else None)
        if form is not None:
            if wanted.renders:
                (aside / CHAT_TEMPLATE).write_text(chat_template(form), encoding="utf-8")
            for name, written in wanted.beside.items():
                (aside / name).write_text(written(out.resolve(), list(exported.rows), form), encoding="utf-8")
        aside.replace(out)  # takes the place of an empty folder
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return exported


@dataclass(frozen=True)
class _Check:
    tokenizer: str
    apply: Callable[..., Any]
    form: Format
    wanted: Export

    def rows(self, frame: pl.DataFrame) -> None:
        """Raises `UserError` at the first response that the chat template would change."""
        for row in frame.iter_rows(named=True):
            switch = self.form.chat_template_kwargs(row["mode"]) if "mode" in row else {}
            switch |= {COLUMN: row[COLUMN]} if COLUMN in row else {}
            render = renderer(self.apply, **switch)
            conversations = [row["messages"]] if "messages" in row else [row["prompt"] + row[it] for it in _PAIR]
            for turns in conversations:
                found = objection(turns, render, turn_by_turn=self.wanted.turn_by_turn)
                if found is not None:
                    raise UserError(
                        f"the chat template of {self.tokenizer} {found} (problem {row['problem_id']}); train with the "
                        f"{CHAT_TEMPLATE} that an export without --tokenizer writes"
                    )


_PAIR = ("chosen", "rejected")


def _format(dataset: Published) -> str:
    """The format of all responses. Raises `UserError` where there are none."""
    if (name := _found_format(dataset)) is None:
        raise UserError(f"{dataset.name} has no responses in a known format, which this export is made of")
    return name


def _found_format(dataset: Published) -> str | None:
    for part in ("sft", "preference"):
        for piece in _tables(dataset, part):
            name = str(piece["format"][0])
            if name in FORMATS:
                return name
    return None


def _check_phase(dataset: Published, to: str, wanted: Export, phase: int) -> None:
    """Raises `UserError` where what is exported has no such phase."""
    if not any(table.part == "sft" for table in wanted.tables):
        raise UserError(f"--phase is for rows of sft/, which an export for {to} is not made from; leave it out")
    paths = dataset.of("sft", "train")
    if not paths or any(PHASE.name not in dataset.schema(path).names for path in paths):
        raise UserError(f"{dataset.name} has no phases; publish with publish.mix, or leave --phase out")
    if phase not in PHASES:
        raise UserError(f"--phase is 1 or 2, not {phase}")


Levels = Callable[[pl.DataFrame], pl.DataFrame]


def _levels(dataset: Published, to: str, wanted: Export, told: Told, named: Mapping[str, str]) -> dict[str, Levels]:
    """What puts levels into a part; nothing where the modes are those that responses tell by themselves."""
    if told == "kwargs" and not wanted.takes_kwargs:
        able = [name for name, each in EXPORTS.items() if each.takes_kwargs]
        raise UserError(
            f"an export for {to} has no chat_template_kwargs in its rows; use --level prompt, or export for "
            f"{', '.join(able[:-1])} or {able[-1]}"
        )
    parts = {table.part for table in wanted.tables} & {"sft", "rl"}
    modes = {mode for part in parts for mode in _modes(dataset, part)}
    name = _found_format(dataset)
    by_text = [mode for mode in modes if name is not None and FORMATS[name].written_as(Mode(mode)) == mode]
    try:
        levels = levels_of(sorted(modes), named, by_text or tuple(Mode))
    except ValueError as error:
        raise UserError(f"--levels: {error}") from error
    if levels is None:
        return {}
    return {
        "sft": lambda frame: with_levels(frame, levels, told),
        "rl": lambda frame: with_prompt_levels(frame, levels, told),
    }


def _tables(dataset: Published, part: str) -> Iterator[pa.Table]:
    for path in (path for split in SPLITS for path in dataset.of(part, split)):
        yield from dataset.tables(path)


def _modes(dataset: Published, part: str) -> set[str]:
    """Those of examples, or of the arms that problems keep."""
    found: set[str | None] = set()
    for piece in _tables(dataset, part):
        rows = pl.DataFrame(piece.select(["mode" if part == "sft" else "extra_info"])).to_series()
        found.update((rows if part == "sft" else rows.struct.field("mode")).unique())
    return {mode for mode in found if mode is not None}


def _write(
    dataset: Published,
    table: Table,
    folder: Path,
    rows: dict[str, int],
    check: _Check | None,
    levels: Mapping[str, Levels],
    phase: int | None,
) -> None:
    for split in SPLITS:
        name = table.file.format(split=split)
        frames = _frames(dataset, table, split, check, levels.get(table.part), phase)
        count = (_write_parquet if name.endswith(".parquet") else _write_json_lines)(folder / name, frames)
        if count:
            rows[name] = count


def _frames(
    dataset: Published,
    table: Table,
    split: str,
    check: _Check | None,
    levels: Levels | None,
    phase: int | None,
) -> Iterator[pl.DataFrame]:
    for path in dataset.of(table.part, split):
        for piece in dataset.tables(path):
            frame = pl.DataFrame(piece)
            if phase is not None and split == "train":
                frame = frame.filter(pl.col(PHASE.name) == phase)
                if frame.is_empty():
                    continue
            if levels is not None:
                frame = levels(frame)
            if check is not None:
                check.rows(frame)
            try:
                converted = table.convert(frame)
            except (ValueError, pl.exceptions.PolarsError) as error:
                raise UserError(f"{dataset.name}: {path} cannot be exported: {error}") from error
            if len(converted):  # `datasets` fails on an empty row group
                yield converted


def _write_parquet(path: Path, frames: Iterator[pl.DataFrame]) -> int:
    rows, writer = 0, None
    try:
        for frame in frames:
            piece = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            piece = piece.cast(plain_schema(piece.schema))
            writer = writer or pq.ParquetWriter(path, piece.schema, compression="zstd")
            writer.write_table(piece)
            rows += piece.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _write_json_lines(path: Path, frames: Iterator[pl.DataFrame]) -> int:
    rows = 0
    for frame in frames:
        with path.open("ab") as file:
            frame.write_ndjson(file)
        rows += frame.height
    return rows


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """A schema without the large strings and lists of Polars, which not every reader of Parquet knows."""
    return pa.schema([pa.field(each.name, _plain(each.type)) for each in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _plain(each.type)) for each in kind])
    return kind


def _template_of(tokenizer: str) -> Callable[..., Any]:
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise UserError("--tokenizer needs the package transformers; install it, or leave the option out") from error
    try:
        apply: Callable[..., Any] = AutoTokenizer.from_pretrained(tokenizer).apply_chat_template
    except (OSError, ValueError) as error:
        raise UserError(f"the tokenizer '{tokenizer}' cannot be loaded: {str(error).splitlines()[0]}") from error
    return apply
