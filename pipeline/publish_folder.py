"""The publish node: the dataset folder, built aside and swapped in whole."""

import shutil
import time
import uuid
from collections import Counter
from pathlib import Path

import polars as pl

from pipeline.manifest import Manifest, Output
from pipeline.store import file_digest, put_bytes, read_table
from pipeline.task import Task
from schemas.arrow import arrow_schema
from schemas.records import Decision, Example, Mode, Problem
from stages.card import card
from stages.publish import RL_SCHEMA, ShardedWriter, rl_table
from stages.statistics import Statistics, statistics

_SPLITS = ("train", "validation")


def write_dataset(task: Task, started: float) -> Manifest:
    """Writes `dataset/` and `report.html`; memory is that of one shard and of one narrow column set over all."""
    from pipeline.report import write_report  # charts take a second to import, and every worker imports this module

    aside = task.run_dir / f".dataset.{uuid.uuid4().hex[:8]}.tmp"
    shards = sorted(label.removeprefix("problems/") for label in task.inputs if label.startswith("problems/"))
    sft = {split: _writer(aside / "sft", split, task, sft=True) for split in _SPLITS}
    rl = {split: _writer(aside / "rl", split, task, sft=False) for split in _SPLITS}
    sources: Counter[str] = Counter()
    licences: set[str] = set()
    teachers: set[str] = set()
    examples_in = 0
    try:
        for shard in shards:
            examples = task.table(f"justify/{shard}")
            examples_in += examples.num_rows
            frame = pl.DataFrame(examples)
            for split in _SPLITS:
                mask = (frame["split"] == split).to_arrow()
                sft[split].write(examples.filter(mask))
            sources.update(frame["sources"].list.first().struct.field("dataset").to_list())
            licences.update(licence or "not stated" for licence in frame["licence"].to_list())
            teachers.update(frame["teacher"].to_list())
            decisions = {d.problem_id: d for d in task.records(f"select/{shard}", Decision)}
            problems = task.records(f"problems/{shard}", Problem)
            for split in _SPLITS:
                of_split = [problem for problem in problems if problem.split == split]
                rl[split].write(rl_table(of_split, decisions, rl[split].rows))
        for writer in (*sft.values(), *rl.values()):
            writer.close()
        decisions_frame, examples_frame = _scan(task, "select", shards), _scan(task, "justify", shards)
        stats = statistics(decisions_frame, examples_frame)
        put_bytes(aside / "README.md", _card(task, stats, sft, rl, sources, licences, teachers).encode())
        _swap(aside, task.run_dir / "dataset")
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    write_report(task, stats, decisions_frame, examples_frame)
    stats_path = task.run_dir / task.folder / "statistics.json"
    put_bytes(stats_path, stats.model_dump_json(indent=1).encode())
    return Manifest(
        node=task.name,
        parts=task.parts,
        outputs=_files(task.run_dir),
        rows_in=examples_in,
        rows_out=sum(writer.rows for writer in sft.values()),
        rows_rejected=0,
        counts={"rl": sum(writer.rows for writer in rl.values())},
        seconds=time.monotonic() - started,
    )


def read_statistics(run_dir: Path) -> Statistics:
    """The figures of the last publish. Raises `FileNotFoundError` before there is one."""
    return Statistics.model_validate_json((run_dir / "publish" / "statistics.json").read_bytes())


def _writer(folder: Path, split: str, task: Task, *, sft: bool) -> ShardedWriter:
    return ShardedWriter(folder, split, arrow_schema(Example) if sft else RL_SCHEMA, task.config.publish.rows_per_file)


def _scan(task: Task, stage: str, shards: list[str]) -> pl.LazyFrame:
    return pl.scan_parquet([task.run_dir / task.inputs[f"{stage}/{shard}"].path for shard in shards])


def _card(
    task: Task,
    stats: Statistics,
    sft: dict[str, ShardedWriter],
    rl: dict[str, ShardedWriter],
    sources: Counter[str],
    licences: set[str],
    teachers: set[str],
) -> str:
    splits = {
        name: {split: writer.rows for split, writer in writers.items() if writer.rows}
        for name, writers in (("sft", sft), ("rl", rl))
    }
    config = task.config
    return card(
        stats,
        title=config.publish.title,
        name=config.name,
        format=config.publish.format,
        delta=config.select.delta,
        n_on=config.sample.count(Mode.THINK_ON),
        n_off=config.sample.count(Mode.THINK_OFF),
        splits=splits,
        data_files={split: f"sft/{split}-*.parquet" for split in splits["sft"]},
        sources=dict(sources.most_common()),
        licences=sorted(licences),
        teachers=sorted(teachers),
    )


def _swap(aside: Path, final: Path) -> None:
    old = final.with_name(f".{final.name}.old.tmp")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    aside.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def _files(run_dir: Path) -> dict[str, Output]:
    found = {}
    for path in sorted((run_dir / "dataset").rglob("*")):
        if path.is_file():
            name = str(path.relative_to(run_dir))
            rows = read_table(path, []).num_rows if path.suffix == ".parquet" else 0
            found[name] = Output(path=name, rows=rows, bytes=path.stat().st_size, sha256=file_digest(path))
    return found
