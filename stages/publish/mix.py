"""Which rows a trainer gets, in which phase: rows that think and rows that do not, from different problems, in a share.

The recipe is that of arXiv 2510.12680: no problem in both modes, 5/9 of the rows think, and two trainings one after the
other, of 2/9 of all rows, which think, and of the other 7/9. Its code takes the rows in the order of their file.

Decided here: of a problem with rows of both sorts those stay that bring the share closest to what is asked, problem by
problem in an order by seed; what is over the share is set aside by seed or by length; the validation split, which
measures and teaches nothing, keeps its share and has no phases.
"""

from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from hipo_data.figures.text import percent
from hipo_data.schemas.errors import UnfitError
from hipo_data.schemas.keys import seeds
from hipo_data.schemas.mix_config import MixConfig
from hipo_data.schemas.records import Mode

ROW = ["problem_id", "mode", "rollout_index"]
"""What identifies an example."""
READ = [*ROW, "split", "completion_tokens"]

PAIR = "mix_pair"
SHARE = "mix_share"


class MixFigures(BaseModel):
    """What the mix made of the training rows. `think` counts rows of every mode that thinks."""

    think: int
    other: int
    think_before: int
    other_before: int
    phases: dict[int, int] = Field(default={}, description="rows by phase; empty where there are none")
    set_aside: dict[str, int] = Field(default={}, description="rows of all splits that are in quarantine, by reason")

    @property
    def in_words(self) -> str:
        """One sentence without its end."""
        aside = ", ".join(f"{reason} {count}" for reason, count in self.set_aside.items())
        phases = "".join(
            f"{';' if phase == 1 else ','} phase {phase}: {count} rows" for phase, count in self.phases.items()
        )
        return (
            f"of {self.think_before} training rows that think and {self.other_before} that do not, {self.think} and "
            f"{self.other} stay ({percent(self.think / max(1, self.think + self.other))} think){phases}"
            f"{f'; set aside: {aside}' if aside else ''}"
        )


def mixed(rows: pl.DataFrame, config: MixConfig, seed: int) -> pl.DataFrame:
    """The rows, with `phase` (null for validation, and where there are no phases) and `aside`, why a row is set aside
    (null where it stays). In the order that they came in.

    Raises `UnfitError` where the training rows cannot be mixed so.

    Args:
        rows: columns `READ`; one problem is in one split.
        config: of the mix.
        seed: of the run.
    """
    keyed = rows.with_row_index("place").with_columns(
        thinks=pl.col("mode") != Mode.THINK_OFF.value,
        train=pl.col("split") == "train",
        order=seeds(seed, "mix", pl.concat_str(*ROW, separator=" ")),
        problem_order=seeds(seed, "mix of pairs", pl.col("problem_id")),
    )
    if config.pairs == "forbid":
        keyed = pl.concat([_unpaired(part, config.think) for part in keyed.partition_by("train")] or [keyed])
    keyed = _with_aside(keyed, PAIR, "paired") if "paired" in keyed.columns else keyed.with_columns(aside=_NONE)
    train = keyed.filter(pl.col("train") & pl.col("aside").is_null())
    think, other = _counts(train)
    stay = (think, other) if config.think is None else kept_counts(think, other, config.think)
    _refuse_impossible(config, (think, other), stay)
    ranked = train.with_columns(rank=pl.struct(*_preferred(config), "order", *ROW).rank("ordinal").over("thinks"))
    most = pl.when("thinks").then(stay[0]).otherwise(stay[1])
    over = ranked.filter(pl.col("rank") > most).select("place", over=True)
    keyed = _with_aside(keyed.join(over, on="place", how="left"), SHARE, "over")
    keyed = keyed.join(_phases(keyed, config, stay[0]), on="place", how="left").sort("place")
    return keyed.select(*READ, "phase", "aside")


_NONE = pl.lit(None, pl.String)


def _with_aside(rows: pl.DataFrame, reason: str, column: str) -> pl.DataFrame:
    before = pl.col("aside") if "aside" in rows.columns else _NONE
    said = pl.when(pl.col(column).fill_null(False)).then(pl.lit(reason)).otherwise(before)
    return rows.with_columns(aside=said).drop(column)


def _preferred(config: MixConfig) -> list[pl.Expr]:
    length = pl.col("completion_tokens")
    return {"any": [], "short": [length], "long": [(-length).alias("shorter")]}[config.keep]


def _unpaired(rows: pl.DataFrame, share: float | None) -> pl.DataFrame:
    """Of one split; `paired` marks the rows that another row of the same problem takes the place of."""
    problems = rows.group_by("problem_id", "problem_order").agg(
        think=pl.col("thinks").sum().cast(pl.Int64), other=(~pl.col("thinks")).sum().cast(pl.Int64)
    )
    both = (pl.col("think") > 0) & (pl.col("other") > 0)
    pairs = problems.filter(both).sort("problem_order", "problem_id")
    if pairs.is_empty():
        return rows.with_columns(paired=False)
    wanted = share if share is not None else problems["think"].sum() / rows.height
    # With the first k pairs of this order kept as rows that think, and the others as those that do not.
    none = pl.Series([0])
    think = pl.concat([none, pairs["think"].cum_sum()]) + problems.filter(~both)["think"].sum()
    other = problems["other"].sum() - pl.concat([none, pairs["other"].cum_sum()])
    first = int((think - wanted * (think + other)).abs().arg_min() or 0)
    sides = pairs.select("problem_id", keeps_think=pl.int_range(pl.len()) < first)
    marked = rows.join(sides, on="problem_id", how="left")
    return marked.with_columns(paired=(pl.col("thinks") != pl.col("keeps_think")).fill_null(False)).drop("keeps_think")


def _counts(rows: pl.DataFrame) -> tuple[int, int]:
    think = int(rows["thinks"].sum())
    return think, rows.height - think


def kept_counts(think: int, other: int, share: float) -> tuple[int, int]:
    """How many rows of each sort stay, as many as can: those that think are `share` of all, to within one row."""
    if think > share * (think + other):
        return int(other * share / (1 - share) + 0.5), other
    return think, int(think * (1 - share) / share + 0.5)


def _refuse_impossible(config: MixConfig, there: tuple[int, int], stay: tuple[int, int]) -> None:
    have = f"of the rows of the train split {there[0]} think and {there[1]} do not"
    if config.think is not None and 0 in stay:
        raise UnfitError(
            f"publish.mix.think asks that {percent(config.think)} of the rows think, but {have}, so that "
            f"{stay[0]} and {stay[1]} could stay; set another share, or publish.mix.think: null"
        )
    if config.phases == 2 and not 0 < _first_of(config, stay[0]) < stay[0]:
        raise UnfitError(
            f"publish.mix.phases is 2 with {percent(config.first)} of the rows that think in phase 1, but {have}, of "
            f"which {stay[0]} and {stay[1]} stay: too few for both phases; set publish.mix.phases: 1"
        )


def _first_of(config: MixConfig, think: int) -> int:
    return int(config.first * think + 0.5)


def _phases(rows: pl.DataFrame, config: MixConfig, think: int) -> pl.DataFrame:
    """`place` and `phase` of the training rows that stay."""
    stay = rows.filter(pl.col("train") & pl.col("aside").is_null())
    if config.phases == 1:
        return stay.select("place", phase=pl.lit(None, pl.Int64))
    rank = pl.struct("order", *ROW).rank("ordinal").over("thinks")
    early = pl.col("thinks") & (rank <= _first_of(config, think))
    return stay.select("place", phase=pl.when(early).then(1).otherwise(2).cast(pl.Int64))


def mix_figures(rows: pl.DataFrame) -> MixFigures:
    """The figures of what `mixed` gives."""
    train = rows.filter(pl.col("split") == "train").with_columns(thinks=pl.col("mode") != Mode.THINK_OFF.value)
    stay = train.filter(pl.col("aside").is_null())
    before, after = _counts(train), _counts(stay)
    return MixFigures(
        think=after[0],
        other=after[1],
        think_before=before[0],
        other_before=before[1],
        phases=_tally(stay["phase"]),
        set_aside=_tally(rows["aside"]),
    )


def _tally(values: pl.Series) -> dict[Any, int]:
    return dict(values.drop_nulls().value_counts().sort(values.name).iter_rows())
