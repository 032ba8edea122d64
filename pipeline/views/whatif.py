"""A run re-selected under other settings, some shards at a time, so that memory is flat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from hipo_data.pipeline.graph.nodes import INGEST, RESPONSES
from hipo_data.pipeline.views.expected_mix import mix_of, mix_remarks
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.length_unit import Unit, lengths_of
from hipo_data.schemas.mix_config import MixConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.exclusion import EXCLUDED
from hipo_data.stages.select.pair_counts import added, with_source
from hipo_data.stages.select.prior import WEAK, Priors, fit
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS
from hipo_data.stages.select.whatif import Setting, WhatIf, Window, cells_of, incomplete, reselect, tally, whatifs

_BATCH_BYTES = 16 * 2**20
"""Of rollouts on disk; text takes several times that in memory."""


@dataclass
class Answer:
    """What a run would have decided, by setting, and what a reader has to know of it."""

    rows: list[WhatIf]
    delta: float
    """The run's own."""
    n: int
    shards: int
    """Read ones."""
    lengths_in: Unit = Unit.TOKENS
    """What the lengths of kept responses are counted in."""
    remarks: list[str] = field(default_factory=list)
    mix: MixConfig | None = None
    """The run's, where rows tell what it would keep."""


def ask(
    files: RunFiles, deltas: Sequence[float], ns: Sequence[int] | None = None, shards: Sequence[str] | None = None
) -> Answer:
    """Selects again under each δ and each N, and under the run's own δ.

    Args:
        ns: rollouts of each mode, by default all; a mode that the recipe gives fewer keeps those.
        shards: names of those to read; by default all that are graded.

    Raises `UserError` where nothing is graded yet, or where N is more than the run has.
    """
    config = files.config
    if not config.roles.is_pair or (config.weighs_arms and config.select.by_posterior):
        if config.weighs_arms:
            raise UserError("this run chooses between arms; ask pipeline.views.arm_whatif, as `hipo-data whatif` does")
        raise UserError(f"the policy {config.select.policy} over arms does not read δ, so that there is no what-if")
    wanted = {mode: config.sample.most(mode) for mode in Mode}
    most = max(wanted.values())
    ns = ns or [most]
    if max(ns) > most:
        raise UserError(
            f"--n {max(ns)} is more than the {most} rollouts of a mode that this run has; whatif selects again from "
            f"what was sampled, so give {most} or less, or set sample.n and run again"
        )
    ready = graded_shards(files, shards)
    settings = [Setting(n, delta) for n in sorted(set(ns)) for delta in sorted({*deltas, config.select.delta})]
    tags = FORMATS[config.publish.format].tags
    halves = min(wanted.values()) // 2 if not _imported(files) else 0
    tallies, lacking = [], 0
    repeats = [setting.repeated for setting in settings if setting.n <= halves]
    whole = Setting(most, config.select.delta)
    windows = sorted({setting.window for setting in [*settings, *repeats, whole]})
    priors = _priors(files, ready, windows) if config.select.by_posterior else {}
    for batch in _batches(files, ready):
        problems, rollouts, verdicts = tables_of(files, batch)
        lacks = int(incomplete(rollouts, problems, max(ns), wanted).collect().item())
        lacking += lacks
        again = [setting.repeated for setting in settings if setting.n <= halves and not lacks]
        # What stopping left out hangs on verdicts, and imported responses may be another model's: they tell nothing
        # of how often the others are right.
        others = [whole] if not lacks and not _imported(files) and min(ns) < most else []
        every = list(dict.fromkeys([*settings, *again, *others]))
        selected = reselect(
            problems, rollouts, verdicts, config.select, every, config.seed, tags, priors, flagged_by_run(files, batch)
        )
        decisions = dict(zip(every, selected, strict=True))
        run = _own_decisions(files, batch)
        sources = problems.select("problem_id", "source").collect()
        tallies += [
            tally(
                decisions[setting],
                setting,
                wanted,
                sources,
                run,
                decisions.get(setting.repeated),
                decisions[whole] if others and setting.n < most else None,
            )
            for setting in settings
        ]
    unit = lengths_of(config).unit
    rows = whatifs(tallies, config.select, priors)
    answer = Answer(rows, config.select.delta, most, len(ready), unit, mix=mix_of(config))
    answer.remarks = _remarks(files, answer, lacking, min(ns), all_shards=shards is None)
    return answer


def _priors(files: RunFiles, shards: Sequence[str], windows: Sequence[Window]) -> dict[Window, Priors]:
    """Of each window, fitted to the counts of these shards, as a run of that many rollouts would."""
    counted: dict[Window, list[pl.DataFrame]] = {window: [] for window in windows}
    for batch in _batches(files, shards):
        found = cells_of(*tables_of(files, batch), files.config.select, windows, files.config.seed)
        for window, cells in zip(windows, found, strict=True):
            counted[window] = [added([*counted[window], cells])]
    return {window: Priors(tuple(fit(cells))) for window, (cells,) in counted.items()}


def graded_shards(files: RunFiles, shards: Sequence[str] | None = None) -> list[str]:
    """Those that are graded, of all or of some. Raises `UserError` where none is."""
    ready = [shard for shard in (files.shards if shards is None else shards) if _graded(files, shard)]
    if not ready:
        raise UserError(f"{files.run_dir} has no shard with graded rollouts yet; `hipo-data status` says how far it is")
    return ready


def _graded(files: RunFiles, shard: str) -> bool:
    modes = files.config.roles.modes
    return all(files.path(f"{stage}.{mode}", shard) is not None for stage in ("sample", "verify") for mode in modes)


def _batches(files: RunFiles, shards: Sequence[str]) -> Iterator[list[str]]:
    """Small shards together, since each round of selecting costs the same few milliseconds a setting."""
    batch: list[str] = []
    total = 0
    for shard in shards:
        size = sum(files.manifests[f"sample.{mode}/{shard}"].outputs["rows"].bytes for mode in files.config.roles.modes)
        if batch and total + size > _BATCH_BYTES:
            yield batch
            batch, total = [], 0
        batch.append(shard)
        total += size
    yield batch


def tables_of(files: RunFiles, shards: Sequence[str]) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    """Problems, rollouts and verdicts of shards."""

    def of_modes(stage: str, columns: list[str]) -> pl.LazyFrame:
        frames = [files.scan(f"{stage}.{mode}", shards=shards) for mode in files.config.roles.dear_first]
        return pl.concat([frame.select(columns) for frame in frames if frame is not None])

    problems = files.scan("ingest", shards=shards)
    assert problems is not None
    rollouts, verdicts = of_modes("sample", ROLLOUT_COLUMNS), of_modes("verify", VERDICT_COLUMNS)
    return with_source(problems), rollouts, verdicts


def flagged_by_run(files: RunFiles, shards: Sequence[str]) -> list[str]:
    """Ids of the problems that `select.exclude` left out, by the run: the file that it names may be away by now."""
    decided = files.scan("select", shards=shards)
    if decided is None:
        return []
    return decided.filter(pl.col("rule") == EXCLUDED).select("problem_id").collect()["problem_id"].to_list()


def _own_decisions(files: RunFiles, shards: Sequence[str]) -> pl.DataFrame | None:
    """The run's, null unless it has decided all of these."""
    decided = files.scan("select", shards=shards)
    if decided is None or len(files.paths("select", shards=shards)) < len(shards):
        return None
    return decided.select("problem_id", "mode").collect()


def _remarks(files: RunFiles, answer: Answer, lacking: int, fewest: int, all_shards: bool) -> list[str]:
    found = mix_remarks(answer.mix)
    if files.config.select.policy != "hipo":
        found.append(f"The policy '{files.config.select.policy}' does not read δ, so that rows differ by n alone.")
    if files.config.select.refuses_leaks:
        found.append(
            "As in the run, think-off responses that think all the same are refused: they count in no pass rate."
        )
    if all_shards and answer.shards < len(files.shards):
        found.append(f"Only {answer.shards} of {len(files.shards)} shards are graded so far; the others are left out.")
    if lacking and files.config.sample.adapts:
        found.append(
            "Rollouts were spent where the mode was least sure, so that problems have unequal numbers, up to N: under "
            "another δ or a smaller N, rows are estimates."
        )
    elif lacking:
        problems = answer.rows[0].problems
        found.append(
            f"{lacking:,} of {problems:,} problems have fewer rollouts than the recipe asks for, as where sampling "
            "stopped once their mode was settled: their pass rates come from what is there, so that under another δ or "
            "N their rows are estimates that lean towards the run's own decisions."
        )
    if any(row.prior == WEAK for row in answer.rows):
        found.append(
            "Too few problems tell of both modes for a prior fitted to them: flips, wrong modes and corrected pass "
            "rates go by the weak one, and lean on it."
        )
    if _imported(files) and fewest < answer.n:
        found.append("Responses that came with the source rows hold the last indices, so a smaller N leaves them out.")
    return found


def _imported(files: RunFiles) -> bool:
    ingest = files.manifests.get(INGEST.name)
    return ingest is not None and any(label.startswith(RESPONSES) for label in ingest.outputs)
