"""What is said of decisions, held against the truth: repetition, wrong modes, pass rates of the kept mode, fallbacks.

Counts are drawn from the true rates; what the project makes of them is asked of its own functions.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.flips import flip_probability, outcomes_of, wrong_mode
from hipo_data.stages.select.kept_rates import CELL_OF_GROUP, RatePriors, mean_rate
from hipo_data.stages.select.prior import CELL, SHOWN_STEPS, Priors, fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
World = Callable[[np.random.Generator], tuple[Floats, Floats]]

SELECT = SelectConfig(random_fraction=0)
MODES = np.array(["", Mode.THINK_OFF.value, Mode.THINK_ON.value])
FEWEST = 0.02
"""Share of the choices that a bin has to hold to be looked at: in a smaller one the measured share is noise."""
REPLICATES = 20
CASES = 30
PROBLEMS_A_CASE = 1_000
REFITS = 16


class Drawn(NamedTuple):
    """Problems, their counts, and what was chosen: 0 dropped, 1 think-off, 2 think-on."""

    on: Floats
    off: Floats
    right_on: Ints
    right_off: Ints
    chosen: Ints
    table: pl.DataFrame
    """Columns `CELL`, `prior`, `rule`, `mode`."""

    @property
    def kept_rate(self) -> Floats:
        """The true rate of the chosen mode."""
        return np.where(self.chosen == 2, self.on, self.off)


def drawn(world: World, n: int, rng: np.random.Generator, problems: int | None = None) -> Drawn:
    """Counts of `n` rollouts a mode."""
    on, off = (rates[:problems] for rates in world(rng))
    right_on, right_off = rng.binomial(n, on), rng.binomial(n, off)
    chosen = outcomes_of(n, SELECT, Priors.weak())[right_on, right_off]
    columns = {"right_on": right_on, "n_on": n, "right_off": right_off, "n_off": n}
    table = pl.DataFrame(columns).select(
        source=pl.lit("made-up"),
        prior=pl.lit("run"),
        rule=pl.lit("margin"),
        mode=pl.Series(MODES[chosen]).replace("", None),
        **{name: pl.col(name).cast(pl.Int64) for name in columns},
    )
    return Drawn(on, off, right_on, right_off, chosen, table)


def calibration(worlds: Mapping[str, World], n: int) -> float:
    """The largest difference between predicted and measured repetition in a bin of ten, in points; prints all."""
    worst = 0.0
    for seed, (name, world) in enumerate(worlds.items()):
        rng = np.random.default_rng([n, seed])
        flips, flipped, wrong, is_wrong = [], [], [], []
        for _ in range(REPLICATES):
            found = drawn(world, n, rng)
            cells = found.table.group_by(CELL).agg(problems=pl.len().cast(pl.Int64))
            priors = Priors(tuple(fit(cells, SHOWN_STEPS)))
            again = outcomes_of(n, SELECT, priors)[rng.binomial(n, found.on), rng.binomial(n, found.off)]
            flips.append(flip_probability(found.table.drop("prior"), SELECT, priors).to_numpy())
            flipped.append(found.chosen != again)
            kept = found.chosen > 0
            wrong.append(wrong_mode(found.table.drop("prior"), SELECT, priors).to_numpy()[kept])
            is_wrong.append(((found.chosen == 2) != (found.on - found.off > SELECT.delta))[kept])
        p, y = 100 * np.concatenate(flips), 100 * np.concatenate(flipped)
        tenth = np.clip((p / 10 - 1e-9).astype(int), 0, 9)
        bins = [tenth == each for each in range(10) if (tenth == each).mean() >= FEWEST]
        off = [abs(p[each].mean() - y[each].mean()) for each in bins]
        worst = max(worst, *off)
        q, z = 100 * np.concatenate(wrong), 100 * np.concatenate(is_wrong)
        by_bin = " ".join(f"{each:.1f}" for each in off)
        print(
            f"{name:<10} N {n:<2} flips said {p.mean():4.1f}, measured {y.mean():4.1f} %; wrong modes said "
            f"{q.mean():4.1f}, true {z.mean():4.1f} %; flips by tenths, off by points: {by_bin}"
        )
    return worst


def coverage(worlds: Mapping[str, World], n: int) -> dict[str, float]:
    """How often the 95 % interval of the kept modes' pass rate holds the true one: corrected, and by other rollouts."""
    inside: dict[str, list[bool]] = {"corrected": [], "other rollouts": []}
    shown: dict[str, list[float]] = {"chose": [], "corrected": [], "true": []}
    for seed, world in enumerate(worlds.values()):
        rng = np.random.default_rng([7, n, seed])
        for _ in range(CASES):
            found = drawn(world, n, rng, PROBLEMS_A_CASE)
            kept = found.chosen > 0
            truth = float(found.kept_rate[kept].mean())
            right = np.where(found.chosen == 2, found.right_on, found.right_off)
            other = rng.binomial(n, found.kept_rate) / n
            spread = other * (1 - other) / max(n - 1, 1)
            own = found.table.with_columns(problems=pl.lit(1, pl.Int64), held_alone=pl.lit(0, pl.Int64))
            priors = RatePriors(own.group_by(CELL_OF_GROUP).agg(pl.col("problems").sum()), REFITS)
            none = own.with_columns(held=pl.lit(0), held_rates=pl.lit(0.0), held_variance=pl.lit(0.0))
            held = own.with_columns(held=pl.lit(1), held_rates=pl.Series(other), held_variance=pl.Series(spread))
            for name, rows in (("corrected", none), ("other rollouts", held)):
                mean = mean_rate(rows.filter(pl.Series(kept)), priors)
                assert mean is not None
                inside[name].append(mean.low <= truth <= mean.high)
                if name == "corrected":
                    shown["corrected"].append(mean.mean)
            shown["chose"].append(float((right / n)[kept].mean()))
            shown["true"].append(truth)
    means = {name: 100 * float(np.mean(values)) for name, values in shown.items()}
    shares = {name: 100 * float(np.mean(values)) for name, values in inside.items()}
    print(
        f"N {n:<2} pass rate of the kept mode: chose {means['chose']:.1f}, corrected {means['corrected']:.1f}, true "
        f"{means['true']:.1f} %; 95 % intervals hold the truth in {shares['corrected']:.1f} % corrected, "
        f"{shares['other rollouts']:.1f} % by other rollouts, of {len(inside['corrected'])} cases each"
    )
    return shares


def fallbacks(worlds: Mapping[str, World], n: int, delta: float) -> None:
    """What fallback rows cost: wrong modes among the kept ones, with them and without."""
    config = SELECT.model_copy(update={"delta": delta})
    for seed, (name, world) in enumerate(worlds.items()):
        found = drawn(world, n, np.random.default_rng(seed))
        gains = found.on - found.off > delta
        at = found.right_on, found.right_off
        every = outcomes_of(n, config, Priors.weak())[at]
        strict = outcomes_of(n, config.model_copy(update={"fallback": "drop"}), Priors.weak())[at]
        fell = (every > 0) & (strict == 0)
        share = [float(((each == 2) != gains)[each > 0].mean()) for each in (every, strict)]
        among = float(((every == 2) != gains)[fell].mean())
        rate = float(np.where(every == 2, found.on, found.off)[fell].mean())
        print(
            f"{name:<10} N {n} δ {delta}: fallback rows {100 * fell.sum() / (every > 0).sum():.1f} % of the kept, true "
            f"pass rate {100 * rate:.0f} %, {100 * among:.0f} % wrong; wrong modes {100 * share[0]:.1f} → "
            f"{100 * share[1]:.1f} % without them"
        )
