"""The figures of a run, for its summary, its card and its report."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from hipo_data.figures.plural import counted
from hipo_data.figures.text import percent
from hipo_data.schemas.length_unit import Unit
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.justification_copies import SAMPLE, copies
from hipo_data.stages.publish.mix import MixFigures


class ModeFigures(BaseModel):
    """Figures of one mode over all decided problems. Lengths are of whole responses, in `Statistics.lengths_in`."""

    rollouts: int
    graded: int
    right: int
    unknown: int
    truncated: int
    fewest: int = 0
    """Rollouts that a problem got at least; graded or not."""
    most: int = 0
    mean_tokens: float | None

    @property
    def pass_rate(self) -> float | None:
        """Right of graded, over all problems."""
        return self.right / self.graded if self.graded else None

    def a_problem(self, problems: int) -> str:
        """Rollouts that each of so many problems got, in words."""
        if self.fewest == self.most:
            return str(self.most)
        return f"{self.fewest} to {self.most} (mean {self.rollouts / problems:.1f})"


class Fallbacks(BaseModel):
    """Examples of the mode that the rule did not ask for, since the one that it did ask for had none to keep."""

    modes: dict[str, int] = Field(description="examples by the mode that they have")
    pass_rate: float | None = Field(description="mean measured pass rate of the mode that they have")
    other_rate: float | None = Field(description="mean measured pass rate of the mode that was asked for")

    @property
    def examples(self) -> int:
        """Of both modes."""
        return sum(self.modes.values())

    @property
    def in_words(self) -> str:
        """How many there are, and how often both modes were right."""
        modes = ", ".join(f"{mode.replace('_', '-')} {count}" for mode, count in self.modes.items() if count)
        return (
            f"{counted(self.examples, 'problem')} ({modes}) with the mode that was not asked for, as the other one had "
            f"no response to keep; mean pass rate {percent(self.pass_rate)} in their own mode, "
            f"{percent(self.other_rate)} in the other"
        )


class Statistics(BaseModel):
    """What became of the problems."""

    problems: int
    examples: int
    modes: dict[str, int] = Field(description="examples by mode")
    rules: dict[str, int] = Field(description="decisions by the rule that fired")
    drops: dict[str, int] = Field(description="dropped problems by reason")
    on: ModeFigures
    off: ModeFigures
    lengths_in: Unit = Field(default=Unit.TOKENS, description="what lengths are counted in, also those named tokens")
    example_tokens: float | None = Field(description="mean length of the kept responses")
    always_on_tokens: float | None = Field(description="mean length of think-on rollouts of the same problems")
    by_kind: dict[str, dict[str, int]] = Field(description="examples by kind and mode")
    justifications: int = Field(default=0, description="accepted ones, one a problem and mode")
    pseudo_golds: int = Field(default=0, description="problems without a gold that responses agree on")
    pseudo_examples: int = Field(default=0, description="examples of those")
    given_examples: int = Field(default=0, description="examples by verdicts that came with the rollouts")
    priors: dict[str, int] = Field(
        default={}, description="under select.rule posterior, the priors of decisions: problems that each was fitted to"
    )
    fallbacks: Fallbacks | None = Field(default=None, description="null where there are none")
    mix: MixFigures | None = Field(default=None, description="null without publish.mix")
    near_copies: float | None = Field(default=None, description="share of justifications that say again an earlier one")

    @property
    def sides(self) -> tuple[str, str]:
        """What `on` and `off` are called."""
        return ("think-on", "think-off") if self.is_pair else ("the best dearer arm", "the cheapest arm")

    @property
    def is_pair(self) -> bool:
        """Whether examples are of the two modes, and not of other arms."""
        return set(self.modes) <= set(Mode)

    @property
    def arms_in_words(self) -> str:
        """Examples by arm, from cheap to dear, such as `think_off 4, short 2`."""
        return ", ".join(f"{mode} {count}" for mode, count in reversed(self.modes.items()) if count)


def statistics(
    decisions: pl.LazyFrame,
    examples: pl.LazyFrame,
    lengths_in: Unit = Unit.TOKENS,
    arms: Sequence[Mode] = (),
    mix: MixFigures | None = None,
) -> Statistics:
    """The figures.

    Args:
        decisions: columns of `schemas.records.Decision`.
        examples: columns `problem_id`, `kind`, `mode`, `completion_tokens`, `justification`, `gold_source`; several
            rows of a problem and mode share their justification.
        lengths_in: what their lengths are counted in.
        arms: those of the recipe, from dear to cheap.
        mix: what it made of the examples, of which only those that stayed are given.
    """
    every = [*Mode] if set(arms) <= set(Mode) else [*arms, *(mode for mode in Mode if mode not in arms)]
    table = decisions.collect()
    kept = examples.select("problem_id", "kind", "mode", "completion_tokens", "gold_source").collect()
    of_examples = kept.join(table.select("problem_id", "tokens_on", "pseudo_gold"), on="problem_id", how="left")
    return Statistics(
        problems=table.height,
        examples=kept.height,
        modes={mode.value: int((kept["mode"] == mode.value).sum()) for mode in every},
        rules=_counts(table.filter(pl.col("mode").is_not_null()), "rule"),
        drops=_counts(table.filter(pl.col("mode").is_null()), "drop_reason"),
        on=_figures(table, "on"),
        off=_figures(table, "off"),
        lengths_in=lengths_in,
        example_tokens=_mean(kept["completion_tokens"]),
        always_on_tokens=_mean(of_examples["tokens_on"]),
        by_kind={
            str(kind): {mode.value: part.filter(pl.col("mode") == mode.value).height for mode in every}
            for (kind,), part in sorted(kept.group_by("kind"), key=lambda item: str(item[0]))
        },
        pseudo_golds=table["pseudo_gold"].count(),
        pseudo_examples=of_examples["pseudo_gold"].count(),
        given_examples=int((kept["gold_source"] == "given").sum()),
        fallbacks=_fallbacks(table, every),
        priors=_priors(table) if "prior" in table.columns else {},
        mix=mix,
        **_said(examples),
    )


def _fallbacks(table: pl.DataFrame, every: Sequence[Mode]) -> Fallbacks | None:
    rows = table.filter(pl.col("rule").str.starts_with("fallback"))
    if rows.is_empty():
        return None
    on = pl.col("mode") != Mode.THINK_OFF.value
    of_mode = rows.select(
        own=pl.when(on).then("p_on").otherwise("p_off"), other=pl.when(on).then("p_off").otherwise("p_on")
    )
    modes = {mode.value: rows.filter(pl.col("mode") == mode.value).height for mode in every}
    return Fallbacks(modes=modes, pass_rate=_mean(of_mode["own"]), other_rate=_mean(of_mode["other"]))


def _priors(table: pl.DataFrame) -> dict[str, int]:
    return dict(table.select("prior", "prior_problems").drop_nulls().unique().sort("prior").iter_rows())


def _said(examples: pl.LazyFrame) -> dict[str, Any]:
    """Of the justifications with the lowest problem ids, which is a random choice, as many as are compared."""
    said = examples.filter(pl.col("justification") != "")
    each = said.select("problem_id", "mode", "justification").unique(["problem_id", "mode"])
    compared = each.bottom_k(SAMPLE, by=["problem_id", "mode"]).sort("problem_id", "mode").collect()
    count: int = each.select(pl.len()).collect().item()
    return {"justifications": count, "near_copies": copies(compared["justification"])}


def _figures(table: pl.DataFrame, side: str) -> ModeFigures:
    rollouts = table[f"n_{side}"] + table[f"unknown_{side}"]
    weighted = (table[f"tokens_{side}"].fill_null(0.0) * rollouts).sum()
    sampled = rollouts.filter(table[f"tokens_{side}"].is_not_null()).sum()
    return ModeFigures(
        rollouts=int(rollouts.sum()),
        graded=int(table[f"n_{side}"].sum()),
        right=int(table[f"right_{side}"].sum()),
        unknown=int(table[f"unknown_{side}"].sum()),
        truncated=int(table[f"truncated_{side}"].sum()),
        fewest=int(rollouts.min() or 0),  # type: ignore[arg-type]
        most=int(rollouts.max() or 0),  # type: ignore[arg-type]
        mean_tokens=float(weighted) / float(sampled) if sampled else None,
    )


def _counts(table: pl.DataFrame, column: str) -> dict[str, int]:
    counted = table[column].value_counts(sort=True)
    return {
        str(row[column]): int(row["count"])
        for row in counted.sort("count", column, descending=[True, False]).to_dicts()
    }


def _mean(values: pl.Series) -> float | None:
    mean: Any = values.mean()
    return None if mean is None else float(mean)
