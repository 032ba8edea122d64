"""How firm a decision is: the probability that sampling the problem once more would lead to another one.

Ours, with no source. Each mode's pass rate has a uniform prior, so that after r right of n graded rollouts its
posterior is Beta(1 + r, 1 + n - r), and x of n further rollouts are right with the beta-binomial probability

    C(n, x) B(1 + r + x, 1 + n - r + n - x) / B(1 + r, 1 + n - r),

independently in both modes. The flip probability is the sum over all pairs (x_on, x_off) at which the policy chooses
another mode, drops what was kept, or keeps what was dropped. It is exact: the policy is asked about every pair.

Taken as given: a repetition has as many graded rollouts as there were; its right responses are fit to be kept, unless
the mode had right ones and none of them was. The shortest response, and so the text of the example, may change without
a flip. The uniform prior knows nothing of the other problems: where most are always or never solved, it makes decisions
look less firm than they are.
"""

from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.prior import Priors
from hipo_data.stages.select.select import POLICIES

COLUMNS = ["rule", "mode", "n_on", "right_on", "n_off", "right_off"]
"""What `flip_probability` reads of the decisions."""

BY_COUNTS = ["hipo", "adaptthink", "lhrm"]
"""Policies that choose a mode by nothing but counts and whether there is a response to keep."""

_COUNTS = ["n_on", "n_off", "fit_on", "fit_off"]
_PAIR = [*_COUNTS, "right_on", "right_off"]
_DROPPED = "dropped"
_OUTCOMES = [_DROPPED, Mode.THINK_OFF.value, Mode.THINK_ON.value]
"""In alphabetical order."""

Counts = tuple[int, int, bool, bool]


def flip_probability(decisions: pl.DataFrame, config: SelectConfig, priors: Priors | None = None) -> pl.Series:
    """`flip` in [0, 1] for each decision, in their order.

    Null where the mode was drawn at random, and under policies other than `BY_COUNTS`.

    Args:
        decisions: columns `COLUMNS`, made under `config`; under `rule: posterior` `prior` as well.
        priors: those that they were made under; without them, `rule: posterior` has no flip probability.
    """
    if config.policy not in BY_COUNTS or decisions.is_empty() or (config.by_posterior and priors is None):
        return pl.Series("flip", [None] * decisions.height, pl.Float64)
    if config.by_posterior and priors is not None:
        return _by_prior(decisions, config, priors)
    return _flips(decisions, config, None)


def _by_prior(decisions: pl.DataFrame, config: SelectConfig, priors: Priors) -> pl.Series:
    """A repetition is judged under the prior that the decision was made under."""
    placed = decisions.with_row_index("place")
    parts = [
        own.select("place").with_columns(_flips(own, config, priors.alone[own["prior"][0]]))
        for own in placed.partition_by("prior", maintain_order=True)
    ]
    return pl.concat(parts).sort("place")["flip"]


def _flips(decisions: pl.DataFrame, config: SelectConfig, priors: Priors | None) -> pl.Series:
    config = config.model_copy(update={"random_fraction": 0.0})
    keyed = decisions.select(*COLUMNS[2:], outcome=pl.col("mode").fill_null(_DROPPED), drawn=pl.col("rule") == "random")
    known = [*COLUMNS[2:], "outcome"]
    fit = _with_fitness(keyed.filter(~pl.col("drawn")).select(known).unique(), config, priors)
    counts = tuple(fit.select(_COUNTS).unique().sort(_COUNTS).iter_rows())
    if not counts:
        return pl.Series("flip", [None] * decisions.height, pl.Float64)
    table = fit.join(_table(counts, config, priors), on=[*_PAIR, "outcome"], how="left")
    return keyed.join(table, on=known, how="left", maintain_order="left").select(
        pl.when(~pl.col("drawn")).then("flip").alias("flip")
    )["flip"]


def _with_fitness(decided: pl.DataFrame, config: SelectConfig, priors: Priors | None) -> pl.DataFrame:
    """Adds `fit_on`, `fit_off`: whether right responses of the mode can be kept, as far as the outcome tells.

    A mode that the counts ask for, and that is not the outcome, had right responses of which none could be kept.
    """
    decided = decided.with_columns(fit_on=pl.lit(True), fit_off=pl.lit(True))
    for _ in Mode:
        asked_for = pl.Series("asked_for", _outcomes(decided, config, priors))
        other = decided.with_columns(asked_for).with_columns(differs=pl.col("asked_for") != pl.col("outcome"))
        decided = other.select(
            *decided.columns[:-2],
            *[
                pl.col(f"fit_{side}") & ~(pl.col("differs") & (pl.col("asked_for") == mode.value))
                for side, mode in (("on", Mode.THINK_ON), ("off", Mode.THINK_OFF))
            ],
        )
    return decided


@lru_cache(maxsize=1024)
def _table(counts: tuple[Counts, ...], config: SelectConfig, priors: Priors | None) -> pl.DataFrame:
    """Columns `_PAIR`, outcome, flip: every pair of right counts and every outcome."""
    pairs = pl.concat([_pairs(*each) for each in counts])
    chosen = np.searchsorted(_OUTCOMES, _outcomes(pairs, config, priors))
    parts, start = [], 0
    for n_on, n_off, _, _ in counts:
        size = (n_on + 1) * (n_off + 1)
        own, of_these = chosen[start : start + size].reshape(n_on + 1, n_off + 1), pairs[start : start + size]
        for number, outcome in enumerate(_OUTCOMES):
            flip = (predictive(n_on) @ (own != number) @ predictive(n_off).T).ravel().clip(0, 1)
            parts.append(of_these.with_columns(pl.Series("flip", flip), outcome=pl.lit(outcome)))
        start += size
    return pl.concat(parts)


def _pairs(n_on: int, n_off: int, fit_on: bool, fit_off: bool) -> pl.DataFrame:
    """Columns `_PAIR`: (n_on + 1)(n_off + 1) rows, by `right_on` and then `right_off`."""
    key = pl.DataFrame({"n_on": [n_on], "n_off": [n_off], "fit_on": [fit_on], "fit_off": [fit_off]})
    on, off = pl.int_range(n_on + 1, dtype=pl.Int64, eager=True), pl.int_range(n_off + 1, dtype=pl.Int64, eager=True)
    rights = on.alias("right_on").to_frame().join(off.alias("right_off").to_frame(), how="cross", maintain_order="left")
    return key.join(rights, how="cross", maintain_order="left_right")


def _outcomes(pairs: pl.DataFrame, config: SelectConfig, priors: Priors | None) -> NDArray[np.str_]:
    """What the policy makes of each pair: problems of so many right rollouts, of which one response can be kept."""
    problems = pairs.with_columns(pl.int_range(pl.len()).cast(pl.String).str.zfill(12).alias("problem_id"))
    for side in ("on", "off"):
        n, right = pl.col(f"n_{side}"), pl.col(f"right_{side}")
        pick = pl.when((right > 0) & pl.col(f"fit_{side}")).then(0)
        problems = problems.with_columns(
            pl.when(n >= config.min_graded).then(right / n).alias(f"p_{side}"),
            pick.alias(f"pick_{side}"),
            pick.alias(f"pick_tokens_{side}"),
        )
    problems = problems.with_columns(margin=pl.col("p_on") - pl.col("p_off"))
    if priors is not None:
        problems = priors.with_gain(problems.with_columns(prior=pl.lit(priors.of_run)), config.delta)
    rollouts = pl.concat(
        [
            problems.select("problem_id", mode=pl.lit(mode), index=0, completion_tokens=0, usable=pl.col(pick) == 0)
            for mode, pick in ((Mode.THINK_ON.value, "pick_on"), (Mode.THINK_OFF.value, "pick_off"))
        ]
    )
    decisions = POLICIES[config.policy].choose(problems.lazy(), rollouts.lazy(), config, 0).decisions
    modes = decisions.select("problem_id", "mode").sort("problem_id").collect()["mode"]
    return modes.fill_null(_DROPPED).to_numpy()


@lru_cache(maxsize=256)
def predictive(n: int) -> NDArray[np.float64]:
    """Beta-binomial probabilities, (n + 1) × (n + 1): row r, column x, of x right among n more after r among n."""
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 2 * n + 2)))])
    r, x = np.ogrid[: n + 1, : n + 1]
    choices = log_factorial[n] - log_factorial[x] - log_factorial[n - x]
    after = log_factorial[r + x] + log_factorial[2 * n - r - x] - log_factorial[2 * n + 1]
    before = log_factorial[r] + log_factorial[n - r] - log_factorial[n + 1]
    table: NDArray[np.float64] = np.exp(choices + after - before)
    return table
