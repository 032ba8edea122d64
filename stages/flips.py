"""How firm a decision is: the probability that sampling the problem once more would lead to another one.

Ours, with no source. Each mode's pass rate has a uniform prior, so that after r right of n graded rollouts its
posterior is Beta(1 + r, 1 + n - r), and x of n further rollouts are right with the beta-binomial probability

    C(n, x) B(1 + r + x, 1 + n - r + n - x) / B(1 + r, 1 + n - r),

independently in both modes. The flip probability is the sum over all pairs (x_on, x_off) at which the rule chooses
another mode, drops what was kept, or keeps what was dropped. It is exact: every pair is enumerated.

Taken as given: a repetition has as many graded rollouts as there were; its right responses are fit to be kept, unless
the mode had right ones and none of them was. The shortest response, and so the text of the example, may change without
a flip.
"""

from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.config import SelectConfig
from schemas.records import Mode
from stages.deciding import End, Rules, choose

COLUMNS = ["rule", "mode", "index", "drop_reason", "n_on", "right_on", "n_off", "right_off"]
"""What `flip_probability` reads of the decisions."""

_COUNTS = ["n_on", "n_off", "fit_on", "fit_off"]
_DROPPED = "dropped"
_OUTCOMES = (Mode.THINK_ON.value, Mode.THINK_OFF.value, _DROPPED)


def flip_probability(decisions: pl.DataFrame, config: SelectConfig) -> pl.Series:
    """`flip` in [0, 1] for each decision, in their order; null where the mode was drawn at random.

    Args:
        decisions: columns `COLUMNS`, made under `config`.
    """
    keyed = decisions.select(
        *COLUMNS[4:],
        fit_on=~_unfit(Mode.THINK_ON),
        fit_off=~_unfit(Mode.THINK_OFF),
        outcome=pl.col("mode").fill_null(_DROPPED),
        drawn=pl.col("rule") == "random",
    )
    counts = keyed.select(_COUNTS).unique()
    if counts.is_empty():
        return pl.Series("flip", [], pl.Float64)
    table = pl.concat([_table(*row, config) for row in counts.iter_rows()])
    keys = [*_COUNTS, "right_on", "right_off", "outcome"]
    return keyed.join(table, on=keys, how="left", maintain_order="left").select(
        pl.when(~pl.col("drawn")).then("flip").alias("flip")
    )["flip"]


def _unfit(mode: Mode) -> pl.Expr:
    """Whether `mode` has right responses of which none could be kept, as far as the decision tells."""
    side = "on" if mode is Mode.THINK_ON else "off"
    stood_in = pl.col("rule") == f"fallback_{'off' if mode is Mode.THINK_ON else 'on'}"
    dropped = pl.col("drop_reason").is_in(["no_usable_response", "preferred_mode_has_none"]).fill_null(False)
    return (pl.col(f"right_{side}") > 0) & (stood_in | dropped)


@lru_cache(maxsize=4096)
def _table(n_on: int, n_off: int, fit_on: bool, fit_off: bool, config: SelectConfig) -> pl.DataFrame:
    """The flip probability of every pair of right counts and every outcome: (n_on + 1)(n_off + 1) rows an outcome."""
    chosen = _outcomes(n_on, n_off, fit_on, fit_off, config)
    on, off = predictive(n_on), predictive(n_off)
    right_on, right_off = np.divmod(np.arange((n_on + 1) * (n_off + 1)), n_off + 1)
    key = pl.DataFrame({"n_on": [n_on], "n_off": [n_off], "fit_on": [fit_on], "fit_off": [fit_off]})
    pairs = pl.DataFrame({"right_on": right_on, "right_off": right_off})
    flips = [(on @ (chosen != number) @ off.T).ravel().clip(0, 1) for number in range(len(_OUTCOMES))]
    return pl.concat(
        [
            key.join(pairs.with_columns(pl.Series("flip", flip), outcome=pl.lit(outcome)), how="cross")
            for outcome, flip in zip(_OUTCOMES, flips, strict=True)
        ]
    )


def _outcomes(n_on: int, n_off: int, fit_on: bool, fit_off: bool, config: SelectConfig) -> NDArray[np.int64]:
    """What is chosen at each pair of right counts, as a position in `_OUTCOMES`."""
    rules = Rules(config)
    modes = [
        [choose(_end(x, n_on, fit_on, config), _end(y, n_off, fit_off, config), rules).mode for y in range(n_off + 1)]
        for x in range(n_on + 1)
    ]
    return np.array([[_OUTCOMES.index(mode or _DROPPED) for mode in row] for row in modes])


def _end(right: int, n: int, fit: bool, config: SelectConfig) -> End:
    return End(right / n if n and n >= config.min_graded else None, right > 0, right > 0 and fit)


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
