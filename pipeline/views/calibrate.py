"""`hipo-data calibrate`: how far the choices of a run come back, and what it would take that more of them do."""

from dataclasses import dataclass, field

import polars as pl

from hipo_data.figures.plural import counted
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.pipeline.views.shown_priors import shown_priors
from hipo_data.pipeline.views.whatif import flagged_by_run, graded_shards, tables_of
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.calibrate import Repeated, Tenth, advised, halves, predicted, reduced, sampled_in_full
from hipo_data.stages.select.flips import BY_COUNTS
from hipo_data.stages.select.prior import WEAK

_PROBLEMS = 20_000
"""Read ones; more would say the same, since shards are a draw by hash."""
_LARGEST = 128
"""Rollouts a mode that are predicted for."""


@dataclass
class Calibration:
    """What the halves of a run say."""

    n: int
    delta: float
    want: float
    problems: int
    repeats: int
    rows: list[Repeated]
    tenths: list[Tenth]
    """Predicted and measured repetition at the largest n that can be measured."""
    advised_n: int | None
    advised_delta: float | None
    remarks: list[str] = field(default_factory=list)


def calibrate(files: RunFiles, want: float, repeats: int) -> Calibration:
    """Splits the rollouts and chooses again. Raises `UserError` where there is nothing to split."""
    config = files.config
    if config.select.policy not in BY_COUNTS:
        raise UserError(
            f"calibrate compares choices of a mode, and the policy '{config.select.policy}' chooses none by counts; "
            f"it is of use for {', '.join(BY_COUNTS)}"
        )
    n, half = (min(config.sample.count(mode) for mode in Mode) // part for part in (1, 2))
    if half < 1:
        raise UserError(f"{files.run_dir} has one rollout of a mode, which cannot be split; set sample.n to 2 or more")
    problems, rollouts, read, flagged = _read(files)
    whole = sampled_in_full(rollouts, 2 * half)
    measured = whole["problem_id"].n_unique()
    if not measured:
        raise UserError(
            f"{files.run_dir} has no problem with {2 * half} rollouts of each mode, so nothing can be split"
        )
    priors = shown_priors(files)
    rows: list[Repeated] = []
    tenths: list[Tenth] = []
    sizes = sorted({*_doubled(1, half), half, n, *_doubled(2 * n, max(2 * n, _LARGEST))})
    deltas = sorted({config.select.delta, *(step / 20 for step in range(11))})
    for size, delta in [*((size, config.select.delta) for size in sizes), *((n, delta) for delta in deltas)]:
        if any((row.n, row.delta) == (size, delta) for row in rows):
            continue
        select = config.select.model_copy(update={"delta": delta})
        found = halves(problems, whole, select, size, config.seed, repeats) if size <= half else None
        tenths = found.tenths if found else tenths
        shares = [count / found.choices for count in found[1:4]] if found else [None] * 3
        rows.append(
            Repeated(
                n=size,
                delta=delta,
                mode=shares[0],
                rule=shares[1],
                response=shares[2],
                predicted=predicted(size, select, priors),
            )
        )
    best = advised(rows, config.select.delta, n, want)
    answer = Calibration(n, config.select.delta, want, measured, repeats, rows, tenths, *best)
    answer.remarks = _remarks(files, answer, problems.height, read, flagged, weak=priors.of_run == WEAK)
    return answer


def _doubled(start: int, most: int) -> list[int]:
    found = [start]
    while 2 * found[-1] <= most:
        found.append(2 * found[-1])
    return found


def _read(files: RunFiles) -> tuple[pl.DataFrame, pl.DataFrame, int, int]:
    """Problems, reduced rollouts, how many shards they are of, and how many problems there were left out as flagged."""
    tags = FORMATS[files.config.publish.format].tags
    problems: list[pl.DataFrame] = []
    rollouts: list[pl.DataFrame] = []
    flagged = 0
    for shard in graded_shards(files):
        if sum(each.height for each in problems) >= _PROBLEMS:
            break
        of_shard, sampled, verdicts = tables_of(files, [shard])
        # Dropped whatever their rollouts say, they would all come back.
        kept = ~pl.col("problem_id").is_in(excluded := flagged_by_run(files, [shard]))
        problems.append(of_shard.filter(kept).collect())
        rollouts.append(reduced(sampled.filter(kept), verdicts, files.config.select, tags).collect())
        flagged += len(excluded)
    return pl.concat(problems), pl.concat(rollouts), len(problems), flagged


def _remarks(files: RunFiles, answer: Calibration, problems: int, read: int, flagged: int, *, weak: bool) -> list[str]:
    found = []
    if flagged:
        found.append(f"Without {counted(flagged, 'problem')} that somebody flagged.")
    if read < len(files.shards):
        found.append(f"By the problems of {read} of {len(files.shards)} shards, a draw by hash.")
    if answer.problems < problems:
        found.append(
            f"{problems - answer.problems:,} of {problems:,} problems were not sampled in full and cannot be split. "
            "Where sampling stopped early those are the ones decided soonest: more choices of the run come back than "
            "are measured here."
        )
    if weak:
        found.append("Predictions go by the weak prior, since too few problems tell of both modes.")
    return found
