"""A finished run made up in bulk, of any size, without an engine: for what reads runs, and how fast.

Problem i has a latent pass rate with and without thinking; rollouts are right by a hash of their key, so that the same
arguments make the same run. Decisions are those of `stages.select.select`.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import polars_hash  # noqa: F401 (gives expressions `chash`)
import pyarrow as pa

from hipo_data.pipeline.graph.nodes import ACCOUNTS, PICKS, shard_name
from hipo_data.pipeline.store.files import file_digest, put_bytes, put_table
from hipo_data.pipeline.store.manifest import Manifest, Output, read_manifest, write_manifest
from hipo_data.pipeline.store.run_dir import record_run
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arrow import arrow_schema
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import (
    Decision,
    Example,
    Justification,
    Mode,
    Pick,
    Problem,
    Record,
    Rejected,
    Rollout,
    Verdict,
)
from hipo_data.stages.ingest.accounts import Accounts, DatasetAccount
from hipo_data.stages.sample.lengths import bin_of
from hipo_data.stages.sample.shown import Shown
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select_picks

_DATASETS = ["org/algebra", "org/contests", "org/programs"]
_WORDS = "let the sum of these be split and carried so that each part is counted once and checked again "


def config(n: int, **changes: Any) -> RunConfig:
    """The recipe that the made-up run claims."""
    engine = {"type": "replay", "path": "/dev/null"}
    tree = {
        "name": "made-up",
        "sources": [{"type": "acereason", "path": "/dev/null", "name": name} for name in _DATASETS],
        "engines": {"recorded": engine},
        "roles": {role: {"engine": "recorded"} for role in ("think_on", "think_off", "justifier")},
        "sample": {"n": n},
        **changes,
    }
    return RunConfig.model_validate(tree)


def make_run(run_dir: Path, problems: int, n: int = 8, bits: int = 2, words: int = 20, **changes: Any) -> RunConfig:
    """Writes a run of so many problems in 2**bits shards, up to and without publish.

    Args:
        words: length of a reasoning, in words.
        changes: of the recipe.
    """
    made = config(n, **changes)
    record_run(run_dir, made)
    drawn = problem_rows(problems)
    outputs = {}
    shard = pl.col("problem_id").str.head(8).str.to_integer(base=16) // 2 ** (32 - bits)
    for index in range(2**bits):
        name, part = shard_name(bits, index), drawn.filter(shard == index).sort("problem_id")
        outputs[name] = _write(run_dir, "ingest", name, part, Problem)
        _write_shard(run_dir, name, part, n, words, made)
    accounts = _accounts(drawn)
    path = run_dir / "ingest" / "all.accounts.json"
    sha256 = put_bytes(path, accounts.model_dump_json().encode())
    outputs[ACCOUNTS] = Output(path="ingest/all.accounts.json", rows=0, bytes=path.stat().st_size, sha256=sha256)
    outputs["rejected"] = _write(run_dir, "ingest", "all", _rejected(), Rejected, ".rejected")
    _manifest(run_dir, "ingest/all", outputs, accounts.rows_read, problems)
    return made


def replace_table(run_dir: Path, path: Path, rows: pl.DataFrame) -> None:
    """Puts other rows in place of a table, as if its node had made them."""
    rows.write_parquet(path)
    _as_its_node_left_it(run_dir, path, rows=rows.height)


def replace_text(run_dir: Path, path: Path, text: str) -> None:
    """Puts another text in place of an output that is no table, as if its node had written it."""
    path.write_text(text)
    _as_its_node_left_it(run_dir, path)


def _as_its_node_left_it(run_dir: Path, path: Path, **changed: int) -> None:
    name = path.parent.name
    shard = "all" if name == "ingest" else path.name.partition(".")[0]
    manifest = read_manifest(run_dir / name / f"{shard}.json")
    assert manifest is not None
    changed |= {"bytes": path.stat().st_size}
    outputs = {
        label: each.model_copy(update=changed | {"sha256": file_digest(path)})
        if each.path == f"{name}/{path.name}"
        else each
        for label, each in manifest.outputs.items()
    }
    write_manifest(run_dir / name / f"{shard}.json", manifest.model_copy(update={"outputs": outputs}))


def problem_rows(problems: int) -> pl.DataFrame:
    """Problems, with `level` in [0, 1), how hard each is."""
    number = pl.int_range(problems, dtype=pl.Int64)
    source = pl.struct(
        dataset=pl.col("dataset"), revision=pl.lit("r1"), split=pl.lit("train"), file=pl.lit("rows.jsonl"),
        row="number", licence=pl.lit("Apache-2.0"), id=pl.lit(None, pl.String),
    )  # fmt: skip
    return (
        pl.select(number=number)
        .with_columns(problem_id=_hash("problem", "number").str.head(32))
        .with_columns(
            level=_uniform("level", "problem_id"),
            dataset=pl.lit(pl.Series(_DATASETS)).gather((pl.col("number") % 10 // 4).cast(pl.UInt32)),
        )
        .with_columns(
            kind=pl.when(pl.col("dataset") == _DATASETS[2]).then(pl.lit("code")).otherwise(pl.lit("math")),
            question=pl.format("What is {} plus {}?", "number", pl.col("number") * 7),
            gold=pl.format('{{"type":"math","answers":["{}"]}}', pl.col("number") * 8),
            sources=pl.concat_list(source),
            domain=pl.lit(None, pl.String),
            difficulty=pl.when(pl.col("number") % 10 < 8).then((pl.col("level") * 16).floor() / 16),
            licence=pl.lit("Apache-2.0"),
            gold_text=pl.lit(None, pl.String),
            options=pl.lit(None, pl.Int64),
            split=pl.lit("train"),
        )
    )


def rollout_rows(problems: pl.DataFrame, n: int, words: int) -> pl.DataFrame:
    """Rollouts of both modes and their verdicts, `n` a mode, in the columns that `select` reads and some more."""
    keys = problems.select("problem_id", "level", "kind").join(
        pl.DataFrame({"mode": [mode.value for mode in Mode]}), how="cross"
    ).join(pl.select(index=pl.int_range(n, dtype=pl.Int64)), how="cross")  # fmt: skip
    on = pl.col("mode") == Mode.THINK_ON.value
    rate = pl.when(on).then(1.15 - pl.col("level")).otherwise(1 - 1.4 * pl.col("level"))
    luck = _uniform("luck", "problem_id", "mode", "index")
    length = (200 + 3000 * pl.col("level") * _uniform("length", "problem_id", "mode", "index")).cast(pl.Int64)
    return keys.with_columns(
        status=pl.when(luck > 0.99).then(pl.lit("unknown")).when(luck < 0.99 * rate).then(pl.lit("correct")).otherwise(
            pl.lit("incorrect")),
        reasoning=pl.when(on).then(pl.lit(_text(words))),
        answer=pl.format("It is {}.", pl.col("problem_id").str.head(4)),
        finish_reason=pl.when(luck.is_between(0.985, 0.99)).then(pl.lit("length")).otherwise(pl.lit("stop")),
        completion_tokens=pl.when(on).then(length).otherwise(length // 8 + 5),
        max_tokens=pl.lit(4096, pl.Int64),
        cap=pl.lit(None, pl.Int64),
    )  # fmt: skip


def _write_shard(run_dir: Path, name: str, problems: pl.DataFrame, n: int, words: int, made: RunConfig) -> None:
    rollouts = rollout_rows(problems, n, words).with_columns(
        seed=pl.lit(1), model=pl.lit("teacher"), prompt_hash=pl.lit("p"), request_hash=pl.lit("r"),
        text=pl.col("answer"), prompt_tokens=pl.lit(20), error=pl.lit(None),
        reasoning_tokens=pl.col("completion_tokens") - 5, answer_tokens=pl.lit(5), source=pl.lit(None),
        error_permanent=pl.lit(False), given=pl.lit(None, pl.String), given_by=pl.lit(None, pl.String),
        reason=pl.lit("match"), extracted=pl.col("answer"), tests_passed=pl.lit(None),
        tests_total=pl.lit(None), cpu_ms=pl.lit(0.1), wall_ms=pl.lit(0.2), grader=pl.lit("math/1"),
    )  # fmt: skip
    for mode in Mode:
        of_mode = rollouts.filter(pl.col("mode") == mode.value)
        for stage, model in (("sample", Rollout), ("verify", Verdict)):
            _node(run_dir, f"{stage}.{mode}", name, of_mode, model)
    verdicts = rollouts.select(VERDICT_COLUMNS).lazy()
    tags = FORMATS[made.publish.format].tags
    chosen = select_picks(
        problems.lazy(), rollouts.select(ROLLOUT_COLUMNS).lazy(), verdicts, made.select, made.seed, tags
    )
    decisions, picks = pl.collect_all(chosen[:2])
    outputs = {
        "rows": _write(run_dir, "select", name, decisions, Decision),
        PICKS: _write(run_dir, "select", name, picks, Pick, f".{PICKS}"),
    }
    _manifest(run_dir, f"select/{name}", outputs, problems.height, problems.height)
    kept = decisions.filter(pl.col("mode").is_not_null())
    examples = _examples(kept, problems, words)
    attempts = kept.select(
        "problem_id", "mode", attempt=pl.lit(0), seed=pl.lit(1), text=pl.lit(_text(25)), verdict=pl.lit("accepted"),
        model=pl.lit("justifier"), request_hash=pl.lit("r"), prompt_tokens=pl.lit(9), completion_tokens=pl.lit(30),
    )  # fmt: skip
    outputs = {
        "rows": _write(run_dir, "justify", name, examples, Example),
        "attempts": _write(run_dir, "justify", name, attempts, Justification, ".attempts"),
    }
    _manifest(run_dir, f"justify/{name}", outputs, kept.height, kept.height)


def _examples(kept: pl.DataFrame, problems: pl.DataFrame, words: int) -> pl.DataFrame:
    turn = pl.struct(role=pl.lit("user"), content="question"), pl.struct(role=pl.lit("assistant"), content="answer")
    thinks = pl.when(pl.col("mode") == Mode.THINK_ON.value).then(pl.lit(_text(words)))
    joined = kept.drop("kind").join(problems, on="problem_id", how="left", maintain_order="left")
    return joined.with_columns(
        justification=pl.lit(_text(25)), reasoning=thinks, answer=pl.lit(_text(words)), format=pl.lit("hipo"),
        completion_tokens="chosen_tokens", justification_attempts=pl.lit(1), teacher=pl.lit("teacher"),
        justifier=pl.lit("justifier"), rollout_index="index", gold_source=pl.lit("source"),
        source_id=pl.lit(None, pl.String),
    ).with_columns(messages=pl.concat_list(*turn))  # fmt: skip


def _rejected() -> pl.DataFrame:
    source = {"dataset": _DATASETS[0], "revision": "r1", "split": "train", "file": "rows.jsonl", "row": -1}
    rows = {
        "bad_column": "column 'problem' must be text; it is 3",
        "near_duplicate": "93% of its word sequences are those of problem 0",
    }
    return pl.DataFrame(
        [
            {"stage": "ingest", "reason": reason, "detail": detail, "key": f"rows.jsonl:{-at}", "row": "{}",
             "sources": [{**source, "row": -at, "licence": "Apache-2.0", "id": f"bad-{at}"}]}
            for at, (reason, detail) in enumerate(rows.items(), start=1)
        ]
    )  # fmt: skip


def _accounts(problems: pl.DataFrame) -> Accounts:
    counted = dict(problems.group_by("dataset").len().iter_rows())
    made = Accounts(problems=problems.height)
    for name in _DATASETS:
        made.datasets[name] = DatasetAccount(read=counted.get(name, 0), kept=counted.get(name, 0))
    first = made.datasets[_DATASETS[0]]
    first.read, first.refused = first.read + 2, {"bad_column": 1, "near_duplicate": 1}
    return made


def _node(run_dir: Path, folder: str, shard: str, rows: pl.DataFrame, model: type[Record]) -> None:
    output = _write(run_dir, folder, shard, rows, model)
    counts = _shown(rows).counts() if model is Rollout else _reasons(rows)
    _manifest(run_dir, f"{folder}/{shard}", {"rows": output}, rows.height, rows.height, counts)


def _reasons(rows: pl.DataFrame) -> dict[str, int]:
    """Verdicts by status and reason, as the verify node counts them."""
    said = rows.select(said=pl.format("{} {}", "status", "reason"))["said"]
    return dict(said.value_counts().sort("said").iter_rows())


def _shown(rows: pl.DataFrame) -> Shown:
    """What rollouts of one mode show, as the sample node counts it."""
    cut = int((rows["finish_reason"] == "length").sum())
    whole = rows.filter(pl.col("finish_reason") == "stop")
    reasoned = whole["reasoning"].count()
    lengths = Counter(bin_of(tokens) for tokens in whole["answer_tokens"])
    reasoning = rows["reasoning"].count()
    return Shown(cut=cut, reasoned=reasoned, plain=whole.height - reasoned, reasoning=reasoning, lengths=lengths)


def _manifest(
    run_dir: Path,
    node: str,
    outputs: dict[str, Output],
    rows_in: int,
    rows_out: int,
    counts: dict[str, int] | None = None,
) -> None:
    rejected = outputs["rejected"].rows if "rejected" in outputs else 0
    manifest = Manifest(
        node=node,
        parts={},
        outputs=outputs,
        rows_in=rows_in,
        rows_out=rows_out,
        rows_rejected=rejected,
        counts=counts or {},
    )
    write_manifest(run_dir / f"{node}.json", manifest)


def _write(run_dir: Path, folder: str, shard: str, rows: pl.DataFrame, model: type[Record], suffix: str = "") -> Output:
    every = arrow_schema(model)
    more = (Decision, Rollout)  # of which some rules, and controlled thinking, say more
    there = [field for field in every if field.name in rows.columns or model not in more]
    schema = pa.schema(there, metadata=every.metadata)
    path = run_dir / folder / f"{shard}{suffix}.parquet"
    table = rows.select(schema.names).to_arrow()
    columns = [
        pa.array([None] * rows.height, field.type) if pa.types.is_null(column.type) else column.cast(field.type)
        for field, column in zip(schema, table.columns, strict=True)
    ]
    sha256 = put_table(path, pa.Table.from_arrays(columns, schema=schema))
    return Output(path=str(path.relative_to(run_dir)), rows=rows.height, bytes=path.stat().st_size, sha256=sha256)


def _hash(name: str, *columns: str) -> pl.Expr:
    hashed: pl.Expr = pl.format(f"{name}{' {}' * len(columns)}", *columns).chash.sha2_256()  # type: ignore[attr-defined]
    return hashed


def _uniform(name: str, *columns: str) -> pl.Expr:
    return _hash(name, *columns).str.head(8).str.to_integer(base=16) / 2**32


def _text(words: int) -> str:
    return (_WORDS * (words // 20 + 1))[: 5 * words]
