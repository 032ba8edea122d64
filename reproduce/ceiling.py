"""What the best choice of modes could reach in a mix of problems, from the teacher's own rollouts, before any training.

No method can spare more than the mix leaves: where few problems are as well answered at once, the best of all choices
saves little, and so does every method that is compared on it.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict

from hipo_data.reproduce.config import Room
from hipo_data.reproduce.writing import percent
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import exceeds

ROLLOUTS: Final = pl.Schema(
    {
        "problem_id": pl.String(),
        "family": pl.String(),
        "mode": pl.String(),
        "index": pl.Int64(),
        "right": pl.Boolean(),
        "tokens": pl.Int64(),
    }
)
"""One rollout a row, of both modes; `right` is null where the verdict is unknown."""

ALWAYS, NEVER, BY_FAMILY, BY_RULE, ORACLE = "always", "never", "by_family", "by_rule", "oracle"
CHOOSING = (BY_FAMILY, BY_RULE, ORACLE)
TITLES: Final = {
    ALWAYS: "always think",
    NEVER: "never think",
    BY_FAMILY: "the better mode of each family",
    BY_RULE: "HiPO's rule by problem",
    ORACLE: "the better mode of each problem",
}
_FEWEST = 2


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class Policy(_Row):
    """What a choice of modes comes to: shares, and mean tokens of the teacher's response without a justification."""

    name: str
    accuracy: float
    tokens: float
    think_on: float


class Family(_Row):
    """The teacher on a family of problems; `weight` is its share of the evaluation."""

    name: str
    weight: float
    accuracy_on: float
    accuracy_off: float
    tokens_on: float
    tokens_off: float


class Change(_Row):
    """A policy against always thinking, as shares of it: −0.3 is 30 % less."""

    accuracy: float
    tokens: float
    tokens_justified: float
    """With the justification's tokens in every response of both."""
    think_on: float


class Ceiling(_Row):
    """The policies `always`, `never`, and those of `CHOOSING`, over one mix."""

    problems: int
    left_out: int
    """Problems without two graded rollouts in each mode."""
    rollouts: int
    """Graded ones of a problem and mode, at most."""
    delta: float
    justification: float
    """Mean tokens."""
    families: list[Family]
    policies: dict[str, Policy]

    def change(self, name: str) -> Change:
        """A policy by name against always thinking."""
        own, always, more = self.policies[name], self.policies[ALWAYS], self.justification
        return Change(
            accuracy=own.accuracy / always.accuracy - 1,
            tokens=own.tokens / always.tokens - 1,
            tokens_justified=(own.tokens + more) / (always.tokens + more) - 1,
            think_on=own.think_on - 1,
        )


def ceiling(rollouts: pl.DataFrame, weights: Mapping[str, float], delta: float, justification: float) -> Ceiling:
    """What each choice of modes comes to, by the teacher's rollouts.

    A policy's figures are means over the problems of a family and then over families by weight.

    - `always` and `never` think about every problem.
    - `by_family`: a family thinks if that raises its pass rate by more than δ. Of its hundreds of rollouts, both the
      choice and the figures.
    - `by_rule`: HiPO's rule by problem, p_on − p_off > δ. Each rollout is measured under the choice that the others of
      its problem make: chosen and measured by the same rollouts, a rule finds itself right where it was lucky.
    - `oracle`: the mode with the higher pass rate, think-off where they are equal. For the same reason it is chosen by
      one half of the rollouts (by index, every other one) and measured by the other, both ways round. Who knew the true
      rates would be right at least as often as any of these; half of the rollouts know less, so that a family's better
      mode can do better.

    Args:
        rollouts: columns of `ROLLOUTS`.
        weights: of the families, in any unit; those of other families are left out.
        delta: δ of HiPO's rule.
        justification: mean tokens of a justification.

    Raises `ValueError` where a family has no problem with two graded rollouts in each mode, or thinking is never right.
    """
    of_mix = rollouts.select(ROLLOUTS.names()).filter(pl.col("family").is_in(list(weights)))
    graded = of_mix.filter(pl.col("right").is_not_null())
    place = pl.int_range(pl.len()).over("problem_id", "mode", order_by="index")
    graded = graded.with_columns(place=place, on=pl.col("mode") == Mode.THINK_ON.value)
    problems = _counts(graded).filter((pl.col("n_on") >= _FEWEST) & (pl.col("n_off") >= _FEWEST))
    graded = graded.join(problems.select("problem_id"), on="problem_id", how="semi")
    missing = sorted(set(weights) - set(problems["family"]))
    if missing:
        raise ValueError(f"no problem of the family {missing[0]} has two graded rollouts in each mode")
    total = sum(weights.values())
    shares = pl.DataFrame({"family": list(weights), "weight": [each / total for each in weights.values()]})
    most = int(problems.select(pl.max_horizontal(pl.col("n_on", "n_off").max())).item())
    chosen = {
        ALWAYS: _fixed(problems, pl.lit(True)),
        NEVER: _fixed(problems, pl.lit(False)),
        BY_FAMILY: _fixed(problems, _gains(delta, [pl.col(name).sum().over("family") for name in _COUNTS])),
        BY_RULE: _crossed(graded, problems, delta, most),
        ORACLE: _crossed(graded, problems, 0.0, 2),
    }
    policies = {name: _weighed(name, rows, shares) for name, rows in chosen.items()}
    if not policies[ALWAYS].accuracy:
        raise ValueError("the teacher is never right with thinking, so that nothing can be compared with that")
    return Ceiling(
        problems=problems.height,
        left_out=of_mix["problem_id"].n_unique() - problems.height,
        rollouts=most,
        delta=delta,
        justification=justification,
        families=_families(problems, shares),
        policies=policies,
    )


def too_little(found: Ceiling, room: Room) -> str | None:
    """A sentence on how much room the mix leaves and how much was asked for; null where a policy reaches both."""
    changes = {name: found.change(name) for name in CHOOSING}
    if any(each.tokens_justified <= room.tokens and each.accuracy >= room.accuracy for each in changes.values()):
        return None
    # The choice that comes nearest: that falls short by the least of what is asked for.
    nearest = min(
        changes,
        key=lambda name: max(changes[name].tokens_justified - room.tokens, room.accuracy - changes[name].accuracy),
    )
    best = changes[nearest]
    return (
        f"the mix leaves too little room: against always thinking, the best choice of modes ({TITLES[nearest]}) "
        f"changes tokens by {percent(best.tokens_justified)} and accuracy by {percent(best.accuracy)}, where room asks "
        f"for {percent(room.tokens)} and {percent(room.accuracy)}; change problems or room, or give --anyway to train "
        "all the same"
    )


_COUNTS = ("right_on", "n_on", "right_off", "n_off")


def _counts(graded: pl.DataFrame) -> pl.DataFrame:
    """One row a problem: the counts of `_COUNTS`, `tokens_on` and `tokens_off` (sums)."""
    modes = {"on": pl.col("on"), "off": ~pl.col("on")}
    return graded.group_by("problem_id", "family").agg(
        *(pl.col("right").filter(own).sum().cast(pl.Int64).alias(f"right_{mode}") for mode, own in modes.items()),
        *(own.sum().cast(pl.Int64).alias(f"n_{mode}") for mode, own in modes.items()),
        *(pl.col("tokens").filter(own).sum().alias(f"tokens_{mode}") for mode, own in modes.items()),
    )


def _gains(delta: float, counts: list[pl.Expr]) -> pl.Expr:
    right_on, n_on, right_off, n_off = counts
    return exceeds(right_on, n_on, right_off, n_off, delta)


def _fixed(problems: pl.DataFrame, think: pl.Expr) -> pl.DataFrame:
    """Problems with `family`, `accuracy`, `tokens` and `think_on` of the mode that `think` says."""
    return problems.with_columns(think.alias("think")).select("family", *_measured("think"))


def _measured(think: str, suffix: str = "") -> list[pl.Expr]:
    on = pl.col(think)
    return [
        pl.when(on).then(pl.col(f"right_on{suffix}") / pl.col(f"n_on{suffix}"))
        .otherwise(pl.col(f"right_off{suffix}") / pl.col(f"n_off{suffix}")).alias("accuracy"),
        pl.when(on).then(pl.col(f"tokens_on{suffix}") / pl.col(f"n_on{suffix}"))
        .otherwise(pl.col(f"tokens_off{suffix}") / pl.col(f"n_off{suffix}")).alias("tokens"),
        on.cast(pl.Float64).alias("think_on"),
    ]  # fmt: skip


def _crossed(graded: pl.DataFrame, problems: pl.DataFrame, delta: float, parts: int) -> pl.DataFrame:
    """The same, each part of a problem's rollouts under the choice that all its other parts make, averaged."""
    found = []
    for part in range(parts):
        own = _counts(graded.filter(pl.col("place") % parts == part))
        both = problems.join(own, on=["problem_id", "family"], suffix="_own")
        others = [pl.col(name) - pl.col(f"{name}_own") for name in _COUNTS]
        chosen = both.with_columns(_gains(delta, others).alias("think"))
        has = pl.when(pl.col("think")).then(pl.col("n_on_own")).otherwise(pl.col("n_off_own")) > 0
        found.append(chosen.filter(has).select("problem_id", "family", *_measured("think", "_own")))
    measures = ("accuracy", "tokens", "think_on")
    return pl.concat(found).group_by("problem_id", "family").agg(pl.col(measures).mean()).drop("problem_id")


def _weighed(name: str, rows: pl.DataFrame, shares: pl.DataFrame) -> Policy:
    means = rows.group_by("family").mean().join(shares, on="family")
    sums = means.select((pl.col(key) * pl.col("weight")).sum() for key in ("accuracy", "tokens", "think_on"))
    return Policy(name=name, **sums.row(0, named=True))


def _families(problems: pl.DataFrame, shares: pl.DataFrame) -> list[Family]:
    means = problems.group_by("family").agg(
        *((pl.col(f"right_{mode}") / pl.col(f"n_{mode}")).mean().alias(f"accuracy_{mode}") for mode in ("on", "off")),
        *((pl.col(f"tokens_{mode}") / pl.col(f"n_{mode}")).mean().alias(f"tokens_{mode}") for mode in ("on", "off")),
    )
    rows = shares.join(means, on="family", maintain_order="left").rename({"family": "name"})
    return [Family(**row) for row in rows.iter_rows(named=True)]
