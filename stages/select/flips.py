"""How firm a decision is: the probability that sampling the problem once more would lead to another one.

Ours, with no source. Under a prior over pairs of pass rates that is fitted to the run's own counts
(`stages.select.prior`), a problem's counts say how likely each pair of rates is; at each pair x of n further rollouts
are right with the binomial probability, independently in both modes. The flip probability is the sum over all outcomes
at which the policy chooses another mode, drops what was kept, or keeps what was dropped: no simulation, the policy is
asked about every outcome. One minus it is the *repetition of the choice*.

That is no probability of being wrong. `wrong_mode` is: that the chosen mode differs from whether the true gain is more
than δ. A problem whose gain lies far below δ in truth may flip seldom or often; one at δ flips half the time and is
wrong half the time.

Taken as given: a repetition has as many graded rollouts as there were, or `again_on` and `again_off` (`with_again`);
its right responses are fit to be kept, unless the mode had right ones and none of them was. The shortest response, and
so the text of the example, may change without a flip.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import standing_for
from hipo_data.stages.select.exclusion import EXCLUDED
from hipo_data.stages.select.guessing import NO_BETTER
from hipo_data.stages.select.prior import RATES, Floats, Priors, gaining, likelihood
from hipo_data.stages.select.select import POLICIES

COLUMNS = ["rule", "mode", "n_on", "right_on", "n_off", "right_off"]
"""What is read of the decisions, beside `prior` (the name) or `source`, where there are several."""

BY_COUNTS = ["hipo", "adaptthink", "lhrm"]
"""Policies that choose a mode by nothing but counts and whether there is a response to keep."""

_SIZES = ["again_on", "again_off", "fit_on", "fit_off"]
_RIGHT = [*COLUMNS[2:], *_SIZES[:2]]
_SIDES = {"on": Mode.THINK_ON, "off": Mode.THINK_OFF}
_DROPPED = "dropped"
_OUTCOMES = [_DROPPED, Mode.THINK_OFF.value, Mode.THINK_ON.value]
"""In alphabetical order."""

Sizes = tuple[int, int, bool, bool]
"""Graded rollouts of a repetition, and whether right ones can be kept: think-on, think-off."""


def stopped(wanted: dict[Mode, int]) -> pl.Expr:
    """Whether a decision's problem was not sampled in full.

    Args:
        wanted: rollouts of each mode that full sampling has.
    """
    return pl.any_horizontal(_fewer(side, wanted) for side in _SIDES)


def _fewer(side: str, wanted: dict[Mode, int]) -> pl.Expr:
    """Whether a mode has fewer rollouts than full sampling."""
    return pl.col(f"n_{side}") + pl.col(f"unknown_{side}") < wanted[_SIDES[side]]


def with_again(decisions: pl.DataFrame, wanted: dict[Mode, int]) -> pl.DataFrame:
    """Decisions with `again_on`, `again_off`: a repetition samples in full where sampling had stopped early.

    Args:
        decisions: columns `n_on`, `unknown_on`, `n_off`, `unknown_off`.
        wanted: rollouts of each mode that full sampling has.
    """
    return decisions.with_columns(
        pl.when(_fewer(side, wanted)).then(wanted[mode]).otherwise(f"n_{side}").alias(f"again_{side}")
        for side, mode in _SIDES.items()
    )


def flip_probability(decisions: pl.DataFrame, config: SelectConfig, priors: Priors) -> pl.Series:
    """`flip` in [0, 1] for each decision, in their order.

    Null where the mode was drawn at random, the problem flagged or dropped for luck, and under policies other than
    `BY_COUNTS`.

    Args:
        decisions: columns `COLUMNS`, made under `config`; optionally those of `with_again`, and `drop_reason`.
        priors: what counts are read by; under `rule: posterior`, those that the decisions were made under.
    """
    if config.policy not in BY_COUNTS or decisions.is_empty():
        return pl.Series("flip", [None] * decisions.height, pl.Float64)
    again = [pl.col(f"n_{side}").alias(name) for side, name in (("on", "again_on"), ("off", "again_off"))]
    placed = priors.named(decisions).with_row_index("place")
    if "again_on" not in placed.columns:
        placed = placed.with_columns(again)
    parts = [
        own.select("place").with_columns(_flips(own, config, priors.alone[own["prior"][0]]))
        for own in placed.partition_by("prior", maintain_order=True)
    ]
    return pl.concat(parts).sort("place")["flip"]


def wrong_mode(decisions: pl.DataFrame, config: SelectConfig, priors: Priors) -> pl.Series:
    """`wrong` in [0, 1] for each decision: how likely its mode differs from whether the true gain is more than δ.

    Null without a mode, and under policies other than `hipo`, which do not ask for a gain. Arguments as of
    `flip_probability`.
    """
    if config.policy != "hipo":
        return pl.Series("wrong", [None] * decisions.height, pl.Float64)
    named = priors.named(decisions.select(pl.exclude("p_gain")))
    gained = priors.expected(named, {"p_gain": gaining(config.delta)})
    thinks = pl.col("mode") == Mode.THINK_ON.value
    wrong = pl.when(thinks).then(1 - pl.col("p_gain")).when(~thinks).then("p_gain").clip(0, 1)
    return gained.select(wrong=wrong)["wrong"]


def _flips(decisions: pl.DataFrame, config: SelectConfig, priors: Priors) -> pl.Series:
    """Of decisions that have one prior, the only one of `priors`."""
    config = config.model_copy(update={"random_fraction": 0.0})
    by = priors if config.by_posterior else None
    drawn = pl.col("rule").is_in(["random", EXCLUDED])
    if "drop_reason" in decisions.columns:
        drawn |= pl.col("drop_reason").eq_missing(NO_BETTER)
    keyed = decisions.select(*_RIGHT, outcome=pl.col("mode").fill_null(_DROPPED), drawn=drawn)
    known = [*_RIGHT, "outcome"]
    chosen = keyed.filter(~pl.col("drawn")).select(known).unique(maintain_order=True)
    if chosen.is_empty():
        return pl.Series("flip", [None] * decisions.height, pl.Float64)
    config = _canonical(config, chosen)
    fit = _with_fitness(chosen, config, by)
    sizes = fit.select(_SIZES).unique().sort(_SIZES).rows()
    tables = dict(zip(sizes, _tables(sizes, config, by), strict=True))
    (_, weights) = priors.by_name[priors.of_run]
    parts = [
        own.with_columns(pl.Series("flip", _repeated_otherwise(own, tables[own.select(_SIZES).row(0)], weights)))
        for own in fit.partition_by(_SIZES, maintain_order=True)
    ]
    found = pl.concat(parts).select(*known, "flip")
    return keyed.join(found, on=known, how="left", maintain_order="left").select(
        pl.when(~pl.col("drawn")).then("flip").alias("flip")
    )["flip"]


def _repeated_otherwise(own: pl.DataFrame, outcomes: NDArray[np.int8], weights: Floats) -> Floats:
    """The flip probability of decisions whose repetition has the same sizes, and so the same outcomes by counts."""
    on, off = (own.select(f"right_{side}", f"n_{side}").to_numpy().astype(np.int64) for side in ("on", "off"))
    likely_on, likely_off = likelihood(on), likelihood(off)
    under = np.einsum("ki,ki->k", likely_on @ weights, likely_off)
    number = np.searchsorted(_OUTCOMES, own["outcome"].to_numpy())
    flips = np.zeros(own.height)
    for outcome in np.unique(number):
        rows = number == outcome
        otherwise = binomial(outcomes.shape[0] - 1).T @ (outcomes != outcome) @ binomial(outcomes.shape[1] - 1)
        over = np.einsum("ki,ki->k", likely_on[rows] @ (weights * otherwise), likely_off[rows])
        flips[rows] = over / under[rows]
    return flips.clip(0, 1)


def _canonical(config: SelectConfig, decided: pl.DataFrame) -> SelectConfig:
    """The config with a δ that decides alike for these counts, so that what is known of one δ is known of others."""
    most = decided.select(pl.max_horizontal(pl.max(f"n_{side}", f"again_{side}")) for side in _SIDES).row(0)
    return config.model_copy(update={"delta": standing_for(config, *most)})


def _with_fitness(decided: pl.DataFrame, config: SelectConfig, by: Priors | None) -> pl.DataFrame:
    """Adds `fit_on`, `fit_off`: whether right responses of the mode can be kept, as far as the outcome tells.

    A mode that the counts ask for, and that is not the outcome, had right responses of which none could be kept.
    """
    outcome = np.searchsorted(_OUTCOMES, decided["outcome"].to_numpy())
    fits = np.ones((decided.height, 2), bool)
    counts, rights = (decided.select(f"{name}_on", f"{name}_off").to_numpy() for name in ("n", "right"))
    for _ in Mode:
        sizes = [(*count, *fit) for count, fit in zip(counts.tolist(), fits.tolist(), strict=True)]
        tables = _tables(sizes, config, by)
        wanted = np.array([table[on, off] for table, (on, off) in zip(tables, rights, strict=True)])
        differs = wanted != outcome
        fits[:, 0] &= ~(differs & (wanted == _OUTCOMES.index(Mode.THINK_ON.value)))
        fits[:, 1] &= ~(differs & (wanted == _OUTCOMES.index(Mode.THINK_OFF.value)))
    return decided.with_columns(fit_on=pl.Series(fits[:, 0]), fit_off=pl.Series(fits[:, 1]))


def _tables(sizes: Sequence[Sizes], config: SelectConfig, by: Priors | None) -> list[NDArray[np.int8]]:
    """The number of the outcome at every pair of right counts, (again_on + 1, again_off + 1), for each of the sizes.

    The policy is asked once for each size.
    """
    known = _known(config, by)
    missing = [size for size in dict.fromkeys(sizes) if size not in known]
    if missing:
        pairs = pl.concat([_pairs(*size) for size in missing])
        chosen = np.searchsorted(_OUTCOMES, _outcomes(pairs, config, by)).astype(np.int8)
        start = 0
        for size in missing:
            on, off, *_ = size
            end = start + (on + 1) * (off + 1)
            known[size] = chosen[start:end].reshape(on + 1, off + 1)
            start = end
    return [known[size] for size in sizes]


@lru_cache(maxsize=64)
def _known(config: SelectConfig, by: Priors | None) -> dict[Sizes, NDArray[np.int8]]:
    """What `_tables` found, by size."""
    return {}


def _pairs(n_on: int, n_off: int, fit_on: bool, fit_off: bool) -> pl.DataFrame:
    """What `_outcomes` takes: (n_on + 1)(n_off + 1) rows, by `right_on` and then `right_off`."""
    key = pl.DataFrame({"n_on": [n_on], "n_off": [n_off], "fit_on": [fit_on], "fit_off": [fit_off]})
    on, off = pl.int_range(n_on + 1, dtype=pl.Int64, eager=True), pl.int_range(n_off + 1, dtype=pl.Int64, eager=True)
    rights = on.alias("right_on").to_frame().join(off.alias("right_off").to_frame(), how="cross", maintain_order="left")
    return key.join(rights, how="cross", maintain_order="left_right")


def _outcomes(pairs: pl.DataFrame, config: SelectConfig, by: Priors | None) -> NDArray[np.str_]:
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
    if by is not None:
        problems = by.with_gain(problems.with_columns(prior=pl.lit(by.of_run)), config.delta)
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
def binomial(n: int) -> NDArray[np.float64]:
    """Probabilities of x right of n at each of `RATES`, shape (n + 1, 64)."""
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    x = np.arange(n + 1)[:, None]
    choices = log_factorial[n] - log_factorial[x] - log_factorial[n - x]
    table: NDArray[np.float64] = np.exp(choices + x * np.log(RATES) + (n - x) * np.log1p(-RATES))
    return table


def outcomes_of(n: int, config: SelectConfig, priors: Priors) -> NDArray[np.int8]:
    """What `config` makes of every pair of right counts of `n` graded rollouts a mode, (n + 1, n + 1): 0 where the
    problem is dropped, 1 think-off, 2 think-on. Under `rule: posterior` by the run's prior."""
    by = priors.alone[priors.of_run] if config.by_posterior else None
    return _tables([(n, n, True, True)], config, by)[0]
