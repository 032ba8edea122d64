"""Nodes that need no engine: ingest, verify, select, publish. Each reads its inputs, calls its stage, and commits."""

import time
from collections import Counter

import polars as pl
import pyarrow as pa

from hipo_data.pipeline.graph.arrow_alone import leave_pandas_out
from hipo_data.pipeline.graph.flags import FLAGS, flagged_in
from hipo_data.pipeline.graph.nodes import ARMS, PICKS, PRIOR, VERDICTS, VOTES
from hipo_data.pipeline.graph.task import Task, commit
from hipo_data.pipeline.nodes.grading import grader_of
from hipo_data.pipeline.nodes.prior import fit_prior, priors_of
from hipo_data.pipeline.store.flag_file import excluded
from hipo_data.pipeline.store.manifest import Manifest, write_manifest
from hipo_data.pipeline.store.run_path import storage_errors
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.arrow import arrow_schema, to_table
from hipo_data.schemas.errors import RunFailedError
from hipo_data.schemas.keys import digest
from hipo_data.schemas.records import Decision, Pick, Prior, Problem, Record, Rollout, Verdict, Vote
from hipo_data.stages.select.leaking import LEAKING, leaks
from hipo_data.stages.select.pair_counts import with_source
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, VOTE_COLUMNS, select_picks
from hipo_data.stages.verify.verify import verify
from hipo_data.stages.verify.votes import vote


def run_cpu_node(task: Task) -> Manifest:
    """Runs a node of one of these stages. Raises what they raise, and `StorageError`."""
    leave_pandas_out()
    task.enter_folder()
    with storage_errors(task.run_dir):
        return {"ingest": _ingest, "verify": _verify, "select": _select, "publish": _publish}[task.stage](task)


def _ingest(task: Task) -> Manifest:
    from hipo_data.pipeline.nodes.ingest import run_ingest  # what only one stage needs, other workers do not load

    return run_ingest(task, grader_of(task.config.verify))


def _verify(task: Task) -> Manifest:
    started = time.monotonic()
    problems = {problem.problem_id: problem for problem in task.records(task.problems_label, Problem)}
    rollouts = task.records(f"sample.{task.mode}/{task.shard}", Rollout)
    known = task.records(VERDICTS, Verdict) if VERDICTS in task.inputs else []
    grader, pseudo = grader_of(task.config.verify), task.config.verify.pseudo_gold
    tables: dict[str, pa.Table] = {}
    votes = task.records(VOTES, Vote) if VOTES in task.inputs else []
    if pseudo is not None and task.mode is task.config.roles.voter:
        votes = vote(problems.values(), rollouts, grader, pseudo, task.mode)
        tables[VOTES] = to_table(votes, Vote)
    budget = None if task.mode is None else task.config.roles.budget(task.mode)
    verdicts = verify(problems, rollouts, grader, known, votes, budget)
    return commit(
        task,
        {"rows": to_table(verdicts, Verdict), **tables},
        [],
        rows_in=len(rollouts),
        rows_out=len(verdicts),
        started=started,
        counts=dict(Counter(f"{verdict.status} {verdict.reason}" for verdict in verdicts)),
    )


def _select(task: Task) -> Manifest:
    if task.name == PRIOR.name:
        return fit_prior(task)
    started = time.monotonic()
    posterior = task.config.select.by_posterior
    problems = task.table(task.problems_label, ["problem_id", "kind", "options", *(["sources"] if posterior else [])])
    modes = task.config.roles.modes
    rollouts = pl.concat([_frame(task, f"sample.{mode}", ROLLOUT_COLUMNS) for mode in modes])
    verdicts = pl.concat([_frame(task, f"verify.{mode}", VERDICT_COLUMNS) for mode in modes])
    frame = pl.DataFrame(problems).lazy()
    tags = FORMATS[task.config.publish.format].tags
    votes = pl.DataFrame(task.table(VOTES, VOTE_COLUMNS)).lazy() if VOTES in task.inputs else None
    priors = None
    if posterior:
        frame, priors = with_source(frame), priors_of(task.config, task.records(PRIOR.name, Prior))
    flagged = _flagged(task)
    chosen = select_picks(
        frame,
        rollouts,
        verdicts,
        task.config.select,
        task.config.seed,
        tags,
        votes,
        priors,
        flagged,
        modes,
        task.config.roles.budgets,
    )
    wanted = [chosen.decisions, chosen.picks, *([] if chosen.arms is None else [chosen.arms])]
    tables = pl.collect_all(wanted)
    refuses = task.config.select.refuses_leaks
    leaking = {LEAKING: int(rollouts.select(leaks().sum()).collect().item())} if refuses else {}
    decisions, picks = _typed(tables[0], Decision), _typed(tables[1], Pick)
    dropped = decisions.num_rows - decisions["mode"].drop_null().length()
    return commit(
        task,
        {"rows": decisions, PICKS: picks, **({ARMS: _typed(tables[2], ArmRate)} if len(tables) > 2 else {})},
        [],
        rows_in=problems.num_rows,
        rows_out=decisions.num_rows,
        started=started,
        counts={"kept": decisions.num_rows - dropped, "dropped": dropped, "picks": picks.num_rows, **leaking},
    )


def _flagged(task: Task) -> list[str]:
    """The flagged problems of the shard. Raises `RunFailedError` where others are now than when the run looked."""
    flagged = flagged_in(task.shard, sorted(excluded(task.config.select.exclude)))
    if (flagged and digest(flagged) != task.parts.get(FLAGS)) or (not flagged and FLAGS in task.parts):
        raise RunFailedError(f"{task.config.select.exclude} was changed while the run was under way; run again")
    return flagged


def _typed(frame: pl.DataFrame, model: type[Record]) -> pa.Table:
    schema = arrow_schema(model)
    there = pa.schema([field for field in schema if field.name in frame.columns])  # some rules have more to say
    return frame.select(there.names).to_arrow().cast(there).replace_schema_metadata(schema.metadata)


def _frame(task: Task, folder: str, columns: list[str]) -> pl.LazyFrame:
    return pl.DataFrame(task.table(f"{folder}/{task.shard}", columns)).lazy()


def _publish(task: Task) -> Manifest:
    from hipo_data.pipeline.nodes.publish import write_dataset

    started = time.monotonic()
    manifest = write_dataset(task, started)
    write_manifest(task.run_dir / task.folder / f"{task.shard}.json", manifest)
    return manifest
