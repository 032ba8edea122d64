"""Pass rates without the winner's curse: the bootstrap, which is fitted all at once."""

import numpy as np
import polars as pl
import pytest

from hipo_data.stages.select.kept_rates import CELL_OF_GROUP, GROUP, RatePriors, mean_rate
from hipo_data.stages.select.prior import CELL, fitted, fitted_each


def cells(groups: int) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    rows = [
        {GROUP: f"g{at % groups}", "right_on": on, "n_on": 4, "right_off": off, "n_off": 4, "problems": int(count)}
        for at, (on, off, count) in enumerate(
            (on, off, rng.integers(1, 40)) for on in range(5) for off in range(5) for _ in range(2)
        )
    ]
    return pl.DataFrame(rows)


def test_samples_are_fitted_as_each_alone() -> None:
    counts = cells(1).group_by(CELL[1:]).agg(pl.col("problems").sum()).sort(CELL[1:])
    samples = np.random.default_rng(0).integers(0, 30, (5, counts.height))
    starts = np.random.default_rng(1).random((5, 64, 64))
    together = fitted_each(counts, samples, starts, 2.0, 7)
    for sample, start, found in zip(samples, starts, together, strict=True):
        alone = fitted(counts.with_columns(problems=pl.Series(sample)), start, 2.0, 7)
        assert np.allclose(found, alone, rtol=1e-12, atol=0)


@pytest.mark.parametrize("groups", [1, 2])
def test_each_refit_is_the_fit_to_its_draw(groups: int) -> None:
    priors = RatePriors(cells(groups), refits=3)
    counted = priors.cells.group_by(CELL_OF_GROUP).agg(pl.col("problems").sum()).sort(CELL_OF_GROUP)
    draws, total = np.random.default_rng(0), int(counted["problems"].sum())
    assert len(priors.refitted) == 3
    for refit in priors.refitted:
        drawn = draws.multinomial(total, counted["problems"].to_numpy() / total)
        own = RatePriors(counted.with_columns(problems=pl.Series(drawn))).fitted
        assert [each.name for each in refit.records] == [each.name for each in own.records]
        for one, other in zip(refit.records, own.records, strict=True):
            assert np.allclose(one.weights, other.weights, atol=1e-9)


def test_the_mean_is_that_of_the_posteriors_of_kept_modes() -> None:
    priors = RatePriors(cells(1), refits=8)
    kept = cells(1).filter(pl.col("right_on") > 2).with_columns(mode=pl.lit("think_on"))
    kept = kept.with_columns(held=0, held_rates=0.0, held_variance=0.0, held_alone=0)
    found = mean_rate(kept, priors)
    expected = priors.corrected(kept)
    assert found is not None
    weights = kept["problems"].to_numpy()
    assert found.mean == pytest.approx(float((expected["mean_on"].to_numpy() * weights).sum() / weights.sum()))
    assert 0 < found.low < found.mean < found.high < 1
    assert mean_rate(kept.clear(), priors) is None
