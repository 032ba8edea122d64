"""The publish node: the dataset folder, built aside and swapped in whole."""

import shutil
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from hipo_data.pipeline.graph.nodes import PICKS
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.dataset_folder import outputs_of, place
from hipo_data.pipeline.nodes.dataset_versions import Version, read_versions, with_next, write_versions
from hipo_data.pipeline.nodes.mixing import Mixing
from hipo_data.pipeline.nodes.rates import fit_corrections, rates_of
from hipo_data.pipeline.ship.published import CARD, SPLITS
from hipo_data.pipeline.store.files import (
    put_bytes,
    scan_tables,
)
from hipo_data.pipeline.store.manifest import Manifest, put_named
from hipo_data.pipeline.store.run_path import scratch
from hipo_data.pipeline.store.whole import check_all
from hipo_data.pipeline.views.mode_audit import mode_audit
from hipo_data.pipeline.views.run_files import STATISTICS, RunFiles
from hipo_data.prompts.rendering import template_hash
from hipo_data.schemas.length_unit import lengths_of
from hipo_data.schemas.records import Decision, Mode, Problem
from hipo_data.stages.publish.card import PhaseFiles, card, method
from hipo_data.stages.publish.pairs import (
    GROUPS_SCHEMA,
    KEY,
    PREFERENCE_SCHEMA,
    Weights,
    groups_table,
    in_sft,
    preference_table,
    weights,
)
from hipo_data.stages.publish.rates import RATES_SCHEMA
from hipo_data.stages.publish.statistics import Statistics, statistics
from hipo_data.stages.publish.tables import (
    PHASE,
    RL_BUDGET_SCHEMA,
    RL_SCHEMA,
    SFT_BUDGET_SCHEMA,
    Instructions,
    rl_table,
    sft_schema,
)
from hipo_data.stages.publish.writers import PhasedWriter, ShardedWriter
from hipo_data.stages.sample.audit import Audit
from hipo_data.stages.select.policies import arm_budgets, budget


@dataclass
class _Sums:
    """What the card says of the rows as they go by."""

    sources: Counter[str] = field(default_factory=Counter)
    licences: set[str] = field(default_factory=set)
    teachers: set[str] = field(default_factory=set)

    def add(self, examples: pl.DataFrame) -> None:
        self.sources.update(examples["sources"].list.first().struct.field("dataset").to_list())
        self.licences.update(licence or "not stated" for licence in examples["licence"].to_list())
        self.teachers.update(examples["teacher"].to_list())


def write_dataset(task: Task, started: float) -> Manifest:
    """Writes `dataset/` and `report.html`; memory is that of one shard and of one narrow column set over all."""
    from hipo_data.pipeline.report.page import (
        write_report,  # charts take a second to import, and every worker imports this module
    )

    aside = scratch(task.run_dir) / f".dataset.{uuid.uuid4().hex[:8]}.tmp"
    shards = sorted(label.removeprefix("problems/") for label in task.inputs if label.startswith("problems/"))
    decisions, picks = _scan(task, "select", shards), _scan(task, PICKS, shards)
    check_all((task.run_dir / output.path, output) for output in task.inputs.values())
    every = _scan(task, "justify", shards)
    examples = in_sft(every, picks) if task.config.select.policy == "preference" else every
    sums = _Sums()
    mixing = None
    try:
        if task.config.publish.mix is not None:
            mixing = Mixing(task, examples, aside.with_suffix(".rejected.tmp"))
            examples = mixing.staying(examples)
        figures = mixing.figures if mixing is not None else None
        writers = _write(task, shards, aside, sums, mixing)
        stats = statistics(decisions, examples, lengths_of(task.config).unit, task.config.roles.dear_first, figures)
        rows = {part: {split: writer.rows for split, writer in of.items()} for part, of in writers.items()}
        data = outputs_of(aside, aside.rglob("*.parquet"))
        known, config = read_versions(task.run_dir), task.config.model_dump(mode="json")
        versions = with_next(known, task.run_dir, aside, data, config)
        audit = mode_audit(RunFiles(task.run_dir, task.config, unlisted=True), set(shards))
        phases = _phase_files(writers)
        put_bytes(aside / CARD, _card(task, stats, rows, sums, versions, audit, phases).encode())
        outputs = data | outputs_of(aside, [aside / CARD])
        beside = [write_versions(task.run_dir, versions)]
        place(aside, task, outputs)
        outputs |= mixing.put() if mixing is not None else {}
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    finally:
        if mixing is not None:
            mixing.close()
    beside.append(write_report(task, stats, decisions, examples))
    beside.append(put_named(task.run_dir, STATISTICS, stats.model_dump_json(indent=1).encode()))
    totals = {part: sum(of.values()) for part, of in rows.items()}
    examples_in = sum(task.inputs[f"justify/{shard}"].rows for shard in shards)
    # Of pairs, both ends are examples; the better one is in sft/ as well.
    published = 2 * totals["preference"] if "preference" in totals else totals["sft"]
    return Manifest(
        node=task.name,
        parts=task.parts,
        outputs=outputs,
        beside={output.path: output for output in beside},
        rows_in=examples_in,
        rows_out=published,
        rows_rejected=outputs["rejected"].rows if "rejected" in outputs else 0,
        counts={part: count for part, count in totals.items() if part != "sft"},
        seconds=time.monotonic() - started,
    )


_Writers = dict[str, dict[str, ShardedWriter | PhasedWriter]]


def _write(task: Task, shards: list[str], folder: Path, sums: _Sums, mixing: Mixing | None) -> _Writers:
    """Writes the files of all parts."""
    config = task.config
    policy: str = config.select.policy
    budgeted = policy == "budget"
    phases = mixing.phases if mixing is not None else []
    schemas: dict[str, pa.Schema] = {
        "sft": sft_schema(budgets=budgeted, phases=bool(phases)),
        "rl": RL_BUDGET_SCHEMA if budgeted else RL_SCHEMA,
        "rates": RATES_SCHEMA,
        **({policy: _TOGETHER[policy]} if policy in _TOGETHER else {}),
    }
    limit = config.publish.rows_per_file
    writers: _Writers = {
        part: {split: ShardedWriter(folder / part, split, schema, limit) for split in SPLITS}
        for part, schema in schemas.items()
    }
    if phases:
        writers["sft"]["train"] = PhasedWriter(folder / "sft", "train", schemas["sft"], limit, phases)
    over = _weights(task, shards) if "preference" in writers else None
    corrections = fit_corrections(task, shards)
    for shard in shards:
        table, picks = task.table(f"justify/{shard}"), pl.DataFrame(task.table(f"{PICKS}/{shard}"))
        every, decided = pl.DataFrame(table), pl.DataFrame(task.table(f"select/{shard}"))
        examples = in_sft(every.with_row_index("row").lazy(), picks.lazy()).collect()
        if mixing is not None:
            examples = mixing.take(examples)
        sums.add(examples)
        kept = table.take(examples["row"].to_arrow())
        kept = _with_budget(kept, examples, picks) if budgeted else kept
        _by_split(writers["sft"], kept.append_column(PHASE, examples["phase"].to_arrow()) if phases else kept)
        if over is not None:
            _by_split(writers["preference"], preference_table(every, picks, over))
        if "groups" in writers:
            problems = pl.DataFrame(task.table(f"problems/{shard}", ["problem_id", "kind", "split", "question"]))
            _by_split(writers["groups"], groups_table(problems, decided, picks))
        _rl(task, shard, writers["rl"])
        _by_split(writers["rates"], rates_of(task, shard, corrections))
    for writer in (writer for of_part in writers.values() for writer in of_part.values()):
        writer.close()
    return writers


_TOGETHER = {"preference": PREFERENCE_SCHEMA, "groups": GROUPS_SCHEMA}
"""Parts that the policy of their name has."""


def _with_budget(table: pa.Table, examples: pl.DataFrame, picks: pl.DataFrame) -> pa.Table:
    asked = picks.select(*KEY[:2], "instruction", "budget", rollout_index="index")
    drawn = examples.join(asked, on=["problem_id", "mode", "rollout_index"], how="left", maintain_order="left")
    for name in ("instruction", "budget"):
        of_type = SFT_BUDGET_SCHEMA.field(name)
        table = table.append_column(of_type, drawn[name].to_arrow().cast(of_type.type))
    return table


def _by_split(writers: dict[str, ShardedWriter | PhasedWriter], rows: pa.Table) -> None:
    for split, writer in writers.items():
        writer.write(rows.filter(pc.equal(rows["split"], split)))


def _rl(task: Task, shard: str, writers: dict[str, ShardedWriter | PhasedWriter]) -> None:
    config = task.config
    decisions = {decision.problem_id: decision for decision in task.records(f"select/{shard}", Decision)}
    problems = task.records(f"problems/{shard}", Problem)
    drawn: Instructions | None = None
    if config.select.policy == "budget" and config.weighs_arms:
        modes = {key: decision.mode for key, decision in decisions.items()}
        drawn = {key: arm_budgets.instruction(mode, config.roles.budgets) for key, mode in modes.items()}
    elif config.select.policy == "budget":
        drawn = budget.instructions([problem.problem_id for problem in problems], config.select, config.seed)
    for split, writer in writers.items():
        writer.write(rl_table([each for each in problems if each.split == split], decisions, writer.rows, drawn))


def _phase_files(writers: _Writers) -> dict[int, PhaseFiles]:
    """By phase; empty where training rows have none."""
    train = writers["sft"]["train"]
    if not isinstance(train, PhasedWriter):
        return {}
    return {phase: PhaseFiles(train.rows_by_phase[phase], train.files[phase]) for phase in train.files}


def _weights(task: Task, shards: list[str]) -> Weights:
    return weights(_scan(task, "justify", shards), _scan(task, PICKS, shards))


def _scan(task: Task, stage: str, shards: list[str]) -> pl.LazyFrame:
    return scan_tables([task.run_dir / task.inputs[f"{stage}/{shard}"].path for shard in shards])


def _card(
    task: Task,
    stats: Statistics,
    rows: dict[str, dict[str, int]],
    sums: _Sums,
    versions: list[Version],
    audit: Audit,
    phases: dict[int, PhaseFiles],
) -> str:
    splits = {part: {split: count for split, count in of.items() if count} for part, of in rows.items()}
    main = next((part for part in ("sft", "preference", "groups") if splits.get(part)), "sft")
    config = task.config
    return card(
        stats,
        title=config.publish.title,
        name=config.name,
        format=config.publish.format,
        policy=config.select.policy,
        lengths=lengths_of(config),
        method=method(config.select),
        prompt=f"{config.justify.prompt}, {template_hash(config.justify.prompt)[:8]}",
        pseudo_rule=config.verify.pseudo_gold.rule if config.verify.pseudo_gold else None,
        delta=config.select.delta,
        n_on=config.sample.count(Mode.THINK_ON),
        n_off=config.sample.count(Mode.THINK_OFF),
        adaptive=config.sample.adapts,
        splits=splits,
        main=main,
        data_files={split: f"{main}/{split}-*.parquet" for split in splits.get(main, {})},
        sources=dict(sums.sources.most_common()),
        licences=sorted(sums.licences),
        teachers=sorted(sums.teachers),
        versions=versions,
        audit=audit,
        phases=phases,
    )
