"""What if: other settings are select itself on a part of the rollouts, and sums over shards are those of the whole."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select
from hipo_data.stages.select.whatif import Setting, WhatIf, incomplete, reselect, tally, whatifs
from tests.support.made_up_run import problem_rows, rollout_rows

N = 6
CONFIG = SelectConfig(delta=0.2, random_fraction=0.05)
WANTED = dict.fromkeys(Mode, N)
PROBLEMS = problem_rows(400)
SOURCES = PROBLEMS.select("problem_id", source="dataset")
ROLLOUTS = rollout_rows(PROBLEMS, N, words=3)


def decide(rollouts: pl.DataFrame, delta: float, problems: pl.DataFrame = PROBLEMS) -> pl.DataFrame:
    config = CONFIG.model_copy(update={"delta": delta})
    parts = rollouts.select(ROLLOUT_COLUMNS).lazy(), rollouts.select(VERDICT_COLUMNS).lazy()
    return select(problems.lazy(), *parts, config, 3).collect()


def ask(
    settings: list[Setting],
    problems: pl.DataFrame = PROBLEMS,
    rollouts: pl.DataFrame = ROLLOUTS,
    config: SelectConfig = CONFIG,
) -> list[pl.DataFrame]:
    tables = problems.lazy(), rollouts.select(ROLLOUT_COLUMNS).lazy(), rollouts.select(VERDICT_COLUMNS).lazy()
    return reselect(*tables, config, settings, 3)


def one(decisions: pl.DataFrame, setting: Setting, **beside: pl.DataFrame) -> WhatIf:
    (found,) = whatifs([tally(decisions, setting, WANTED, SOURCES, **beside)], CONFIG)
    return found


def test_each_setting_is_select_on_the_first_rollouts() -> None:
    settings = [Setting(n, delta) for n in (2, N) for delta in (0.0, 0.2, 0.5)]
    for setting, found in zip(settings, ask(settings), strict=True):
        assert_frame_equal(found, decide(ROLLOUTS.filter(pl.col("index") < setting.n), setting.delta))


def test_a_repetition_is_select_on_as_many_others() -> None:
    (found,) = ask([Setting(3, 0.2).repeated])
    assert_frame_equal(found, decide(ROLLOUTS.filter(pl.col("index") >= 3), 0.2))


def test_figures_are_those_of_the_decisions() -> None:
    setting = Setting(N, 0.2)
    (decisions,) = ask([setting])
    kept = decisions.filter(pl.col("mode").is_not_null())
    found = one(decisions, setting)
    on = kept.filter(pl.col("mode") == "think_on")
    rates = [row["p_on"] if row["mode"] == "think_on" else row["p_off"] for row in kept.to_dicts()]
    assert (found.problems, found.examples, found.lost) == (400, kept.height, 400 - kept.height)
    assert found.think_on_share == on.height / kept.height
    assert found.tokens == pytest.approx(kept["chosen_tokens"].mean())
    assert found.pass_rate_chosen_by == pytest.approx(sum(rates) / len(rates))
    assert found.rules == dict(kept["rule"].value_counts().iter_rows())
    assert sum(found.drops.values()) == found.lost > 0
    assert found.fallbacks == found.rules.get("fallback_on", 0) + found.rules.get("fallback_off", 0) > 0


def test_tallies_of_shards_add_up_to_that_of_the_whole() -> None:
    settings = [Setting(4, 0.1), Setting(N, 0.3)]
    ((run,),) = [ask([Setting(N, 0.2)])]

    def tallies(problems: pl.DataFrame) -> list[pl.DataFrame]:
        rollouts = ROLLOUTS.join(problems, on="problem_id", how="semi")
        selected = ask(settings, problems, rollouts)
        return [tally(found, setting, WANTED, SOURCES, run) for found, setting in zip(selected, settings, strict=True)]

    whole = whatifs(tallies(PROBLEMS), CONFIG)
    parts = whatifs([each for part in PROBLEMS.iter_slices(150) for each in tallies(part)], CONFIG)
    assert [
        {name: value for name, value in row.model_dump().items() if not isinstance(value, float)} for row in whole
    ] == [{name: value for name, value in row.model_dump().items() if not isinstance(value, float)} for row in parts]
    for row, other in zip(whole, parts, strict=True):
        floats = [[value for value in each.model_dump().values() if isinstance(value, float)] for each in (row, other)]
        assert floats[0] == pytest.approx(floats[1])


def test_changed_are_problems_with_another_fate_than_in_the_run() -> None:
    run, other = ask([Setting(N, 0.2), Setting(3, 0.5)])
    modes = dict(run.select("problem_id", "mode").iter_rows())
    expected = sum(mode != modes[key] for key, mode in other.select("problem_id", "mode").iter_rows())
    assert expected > 0
    assert one(other, Setting(3, 0.5), run=run).changed == expected
    assert one(run, Setting(N, 0.2), run=run).changed == 0
    assert one(run, Setting(N, 0.2)).changed is None


def test_repeated_counts_what_other_rollouts_decide_otherwise_and_no_drawn_mode() -> None:
    setting = Setting(3, 0.2)
    first, second = ask([setting, setting.repeated])
    drawn = first["rule"] == "random"
    moved = first["mode"].ne_missing(second["mode"]) & ~drawn
    assert drawn.any()
    assert moved.any()
    assert one(first, setting, repeated=second).repeated == pytest.approx(moved.sum() / (~drawn).sum())
    assert one(first, setting).repeated is None


def test_a_problem_without_all_its_rollouts_is_incomplete() -> None:
    first, second, third = PROBLEMS["problem_id"].head(3)
    key = pl.col("problem_id")
    gone = (key == first) & (pl.col("mode") == "think_on") & (pl.col("index") == 5)
    capped = (key == second) & (pl.col("index") == 1)
    rollouts = ROLLOUTS.filter(~gone & (key != third)).with_columns(cap=pl.when(capped).then(50))
    wanted = dict.fromkeys(Mode, N)

    def count(n: int, wanted: dict[Mode, int]) -> int:
        return int(incomplete(rollouts.lazy(), PROBLEMS.lazy(), n, wanted).collect().item())

    assert count(N, wanted) == 3
    assert count(5, wanted) == 2  # the missing rollout is not among the first five
    assert count(1, wanted) == 1
    assert count(N, {Mode.THINK_ON: 5, Mode.THINK_OFF: N}) == 2  # a mode of which the recipe asks for fewer


def test_a_pass_rate_comes_from_rollouts_that_did_not_choose_else_it_is_lower_than_what_chose() -> None:
    setting = Setting(2, 0.2)
    first, every = ask([setting, Setting(N, 0.2)])
    other = {row["problem_id"]: row for row in every.to_dicts()}
    rates = []
    for row in first.filter(pl.col("mode").is_not_null()).to_dicts():
        side = "on" if row["mode"] == "think_on" else "off"
        n, right = (other[row["problem_id"]][f"{name}_{side}"] - row[f"{name}_{side}"] for name in ("n", "right"))
        rates.append(right / n)
    held, corrected = one(first, setting, every=every), one(first, setting)
    assert (held.held, corrected.held) == (held.examples, 0)
    assert held.pass_rate == pytest.approx(sum(rates) / len(rates))
    assert None not in (held.pass_rate, corrected.pass_rate, corrected.pass_rate_chosen_by)
    assert corrected.pass_rate < corrected.pass_rate_chosen_by - 0.02  # type: ignore[operator]
    assert corrected.pass_rate == pytest.approx(held.pass_rate, abs=0.06)


def test_nothing_decided_gives_no_figures() -> None:
    setting = Setting(N, 0.2)
    (decisions,) = ask([setting], PROBLEMS.head(1), ROLLOUTS.filter(pl.col("status") == "no such"))
    found = one(decisions, setting)
    assert (found.examples, found.drops) == (0, {"ungraded": 1})
    assert (found.tokens, found.pass_rate, found.pass_rate_low, found.think_on_share) == (None, None, None, None)
