"""What the report shows, aggregated: no table here grows with the run, so neither does the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.schemas.records import Mode
from hipo_data.stages.ingest.accounts import Accounts
from hipo_data.stages.publish.statistics import Statistics

_MODE_ORDER = {"think-off": 0, "think-on": 1, "dropped": 2}
_MOST_GROUPS = 12
_CELLS = 25  # a side of the pass-rate map; up to 24 rollouts every pass rate has a dot of its own
_FIRST_BIN = 8


@dataclass(frozen=True)
class Saved:
    """What stopping early saved, as the manifests count it."""

    tokens: int
    capped: int
    """Rollouts that were cut off at a cap."""
    sampled_tokens: int


def funnel_steps(accounts: Accounts, stats: Statistics, decisions: pl.DataFrame) -> list[tuple[str, int]]:
    """Rows, then problems, that are left after each step."""
    solved = decisions.filter(pl.col("right_on") + pl.col("right_off") > 0).height
    kept = sum(account.kept for account in accounts.datasets.values())
    return [
        ("rows read", accounts.rows_read),
        ("rows kept", kept),
        ("problems", stats.problems),
        ("solved at least once", solved),
        ("given a mode", sum(stats.rules.values())),
        ("examples", stats.examples),
    ]


def shares_by_source(decisions: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """Columns dataset, mode, problems: the largest datasets first, those beyond a dozen together.

    Args:
        problems: columns `problem_id`, `dataset` (of its first source row), `difficulty`.
    """
    counted = _by_mode(decisions.join(problems, on="problem_id", how="left"), "dataset")
    sizes = (
        counted.group_by("dataset").agg(pl.col("problems").sum()).sort("problems", "dataset", descending=[True, False])
    )
    named = sizes["dataset"].head(_MOST_GROUPS if sizes.height <= _MOST_GROUPS else _MOST_GROUPS - 1).to_list()
    merged = counted.with_columns(
        pl.when(pl.col("dataset").is_in(named)).then("dataset").otherwise(pl.lit("other sources")).alias("dataset")
    )
    order = {name: at for at, name in enumerate([*named, "other sources"])}
    return (
        merged.group_by("dataset", "mode")
        .agg(pl.col("problems").sum())
        .sort(pl.col("dataset").replace_strict(order), pl.col("mode").replace_strict(_MODE_ORDER))
    )


def shares_by_difficulty(decisions: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """Columns difficulty (a tenth, as text), mode, problems; only problems whose source says how hard they are."""
    tenth = (pl.col("difficulty") * 10).floor().clip(0, 9).cast(pl.Int64)
    label = pl.format("{}–{} %", tenth * 10, tenth * 10 + 10)
    rated = decisions.join(problems.drop_nulls("difficulty"), on="problem_id").with_columns(tenth=tenth, label=label)
    counted = _by_mode(rated, "tenth", "label").sort("tenth", pl.col("mode").replace_strict(_MODE_ORDER))
    return counted.select("mode", "problems", difficulty="label")


def pass_rate_cells(decisions: pl.DataFrame) -> pl.DataFrame:
    """Columns p_off, p_on, mode, problems."""
    rates = decisions.drop_nulls(["p_on", "p_off"])
    distinct = max(rates["p_on"].n_unique(), rates["p_off"].n_unique())
    if distinct > _CELLS:
        at = [(pl.col(name) * (_CELLS - 1)).round() / (_CELLS - 1) for name in ("p_on", "p_off")]
        rates = rates.with_columns(*at)
    return _by_mode(rates, "p_off", "p_on")


def kept_token_bins(examples: pl.DataFrame) -> pl.DataFrame:
    """Columns bin, mode, count of kept responses. Reads columns mode, completion_tokens."""
    return _token_bins(examples.select(_named(), tokens="completion_tokens"))


def rollout_token_bins(decisions: pl.DataFrame) -> pl.DataFrame:
    """Columns bin, mode, count of problems by their mean length of rollouts in each mode."""
    sides = [
        decisions.select(pl.lit(name).alias("mode"), tokens=f"tokens_{side}")
        for name, side in (("think-off", "off"), ("think-on", "on"))
    ]
    return _token_bins(pl.concat(sides).drop_nulls())


def _token_bins(lengths: pl.DataFrame) -> pl.DataFrame:
    counted = lengths.with_columns(step=_log_step(pl.col("tokens"))).group_by("step", "mode").len("count")
    every = counted.select(pl.int_ranges("step", pl.col("step").max() + 1).explode().unique())
    full = every.join(lengths.select("mode").unique(), how="cross").join(counted, on=["step", "mode"], how="left")
    edge = (2 ** (pl.col("step") / 3)).round().cast(pl.Int64)
    return full.select(edge.alias("bin"), "mode", pl.col("count").fill_null(0)).sort("bin", "mode")


def _log_step(tokens: pl.Expr) -> pl.Expr:
    """Which bin: three each time the length doubles from 8 on, so that 10 and 10,000 both show."""
    return (tokens.clip(_FIRST_BIN).cast(pl.Float64).log(2) * 3 + 1e-9).floor().cast(pl.Int64)


def tenths(decisions: pl.DataFrame, probability: pl.Series) -> tuple[pl.DataFrame, float | None]:
    """Columns bin (lower edge of a tenth), mode, problems; and the mean, null without any.

    Args:
        decisions: column `mode`.
        probability: of each of them, null where it has none.
    """
    known = decisions.select(_named()).with_columns(probability.alias("p")).drop_nulls()
    tenth = (pl.col("p") * 10 - 1e-9).floor().clip(0, 9) / 10
    counted = known.group_by(tenth.round(1).alias("bin"), "mode").len("problems").sort("bin", "mode")
    mean = known["p"].mean()
    return counted, mean if isinstance(mean, float) else None


def drops(accounts: Accounts, stats: Statistics, quarantine: dict[str, int], most: int) -> list[tuple[str, str, int]]:
    """Stage, reason, count: rows that ingest refused, problems that select dropped, decisions that lost an example."""
    found = [("ingest", reason, count) for reason, count in accounts.refused.most_common(most)]
    found += [("select", reason, count) for reason, count in list(stats.drops.items())[:most]]
    later = [(*key.partition(": ")[::2], count) for key, count in quarantine.items() if not key.startswith("ingest: ")]
    return found + later[:most]


def saved(manifests: dict[str, Manifest]) -> Saved | None:
    """Sums over the sample stage; null where nothing was saved, or where the manifests do not say."""
    counts: Counter[str] = Counter()
    for name, manifest in manifests.items():
        if name.startswith("sample."):
            counts.update(manifest.counts)
    if not counts["saved_tokens"] and not counts["capped"]:
        return None
    return Saved(counts["saved_tokens"], counts["capped"], counts["completion_tokens"])


def sample_of_shards(files: RunFiles, most_bytes: int) -> list[str]:
    """The first shards whose rollouts take up to `most_bytes` on disk, at least one.

    A shard is a draw of problems by their hash, so that a part of the shards speaks for all of them.
    """
    chosen: list[str] = []
    total = 0
    for shard in files.shards:
        names = [f"sample.{mode}/{shard}" for mode in files.config.roles.modes]
        outputs = [files.manifests[name].outputs["rows"] for name in names if name in files.manifests]
        total += sum(output.bytes for output in outputs)
        if chosen and total > most_bytes:
            break
        chosen.append(shard)
    return chosen


def in_turns(keys: pl.DataFrame, groups: Sequence[str], most: int) -> list[str]:
    """Up to `most` problem ids, the groups taking turns, within a group by id: a fixed choice, not a flattering one."""
    keys = keys.unique("problem_id")
    turn = pl.int_range(pl.len()).over(groups)
    ordered = keys.sort("problem_id").with_columns(turn=turn).sort("turn", *groups, "problem_id")
    return ordered["problem_id"].head(most).to_list()


def _by_mode(decisions: pl.DataFrame, *keys: str) -> pl.DataFrame:
    return decisions.with_columns(_named()).group_by(*keys, "mode").len("problems").sort(*keys, "mode")


def _named() -> pl.Expr:
    """Of arms that reason, think-on: the pictures tell thinking from not thinking."""
    thinks = pl.col("mode") != Mode.THINK_OFF.value
    named = pl.when(thinks).then(pl.lit("think-on")).when(~thinks).then(pl.lit("think-off"))
    return named.otherwise(pl.lit("dropped")).alias("mode")
