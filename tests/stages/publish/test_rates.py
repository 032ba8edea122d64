"""The table of pass rates: corrected beside measured, and which rows stopped early."""

import polars as pl
import pytest

from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Decision, Mode
from hipo_data.stages.publish.rates import CELLS, RATES_SCHEMA, grouped, rates_table
from hipo_data.stages.select.kept_rates import RatePriors
from hipo_data.stages.select.pair_counts import decided_cells
from hipo_data.stages.select.prior import Priors, fit
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select
from tests.support.made_up_run import problem_rows, rollout_rows

N = 4
CONFIG = SelectConfig(random_fraction=0.05)
EVERY = problem_rows(400)
PROBLEMS = EVERY.select("problem_id", "split", source="dataset", options=pl.lit(None, pl.Int64))
WANTED = dict.fromkeys(Mode, N)


def decisions(without: str = "") -> pl.DataFrame:
    """Of made-up rollouts; of one problem think-on was not sampled."""
    rollouts = rollout_rows(EVERY, N, words=3)
    rollouts = rollouts.filter(~((pl.col("problem_id") == without) & (pl.col("mode") == "think_on")))
    tables = rollouts.select(ROLLOUT_COLUMNS).lazy(), rollouts.select(VERDICT_COLUMNS).lazy()
    return select(EVERY.lazy(), *tables, CONFIG, 0).collect()


def rates(decided: pl.DataFrame) -> pl.DataFrame:
    priors = Priors(tuple(fit(decided_cells(PROBLEMS.lazy(), decided.lazy()).collect())))
    cells = grouped(decided, CONFIG).group_by(CELLS).agg(problems=pl.len().cast(pl.Int64))
    table = rates_table(PROBLEMS, decided, CONFIG, WANTED, priors, RatePriors(cells))
    assert table.schema.equals(RATES_SCHEMA)
    return pl.DataFrame(table)


def test_rows_are_the_problems_with_a_mode_or_a_right_response_and_measured_rates_stay() -> None:
    decided = decisions()
    found = rates(decided)
    solved = decided.filter(pl.col("mode").is_not_null() | (pl.col("right_on") + pl.col("right_off") > 0))
    assert 0 < found.height < decided.height
    measured = ["problem_id", "mode", "rule", "n_on", "right_on", "p_on", "p_off"]
    assert found.select(measured).equals(solved.select(measured))
    assert found["p_on_corrected"].null_count() == found["wrong_mode"].null_count() == 0
    assert (found["repetition"].is_null() == (found["rule"] == "random")).all()
    assert not found["stopped_early"].any()


def test_corrected_rates_lean_to_neither_mode() -> None:
    """The rates of the mode that won are too high by measure; corrected ones are near the true ones."""
    found = rates(decisions()).join(EVERY.select("problem_id", "level"), on="problem_id")
    chosen = found.filter(pl.col("rule") == "margin")
    true = (1.15 - chosen["level"]).clip(0, 1).mean()
    assert chosen["p_on"].mean() > true + 0.02  # type: ignore[operator]
    assert chosen["p_on_corrected"].mean() == pytest.approx(true, abs=0.03)


def test_a_problem_that_was_not_sampled_in_full_is_marked() -> None:
    solved = decisions().filter(pl.col("right_off") == N)["problem_id"][0]
    found = rates(decisions(without=solved)).filter("stopped_early")
    assert found["problem_id"].to_list() == [solved]
    assert found["p_on"].item() is None
    assert 0 < found["p_on_corrected"].item() < 1
    assert 0 < found["repetition"].item() < 1  # a repetition samples think-on as well


def test_the_decisions_of_a_table_read_back_have_rates_too() -> None:
    """Columns of other rules are null there."""
    rows = [Decision.model_validate(row) for row in decisions().head(5).to_dicts()]
    assert rates(pl.DataFrame(to_table(rows, Decision))).height > 0
