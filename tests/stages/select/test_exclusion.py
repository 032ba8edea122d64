"""Flagged problems: the file that names them, and a selection without them."""

import polars as pl
import pytest

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.decision_words import in_words
from hipo_data.stages.select.exclusion import flags_text, parse_flags
from hipo_data.stages.select.flips import COLUMNS, flip_probability
from hipo_data.stages.select.prior import Priors
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select_picks
from hipo_data.stages.select.whatif import Setting, reselect
from tests.support.made_up_run import problem_rows, rollout_rows

_FIRST, _SECOND = "0" * 32, "a1" * 16


def test_flags_are_read_as_they_are_written() -> None:
    flags = {_FIRST: 'the gold is "4",\nnot 5 \u2028 ', _SECOND: ""}
    assert parse_flags(flags_text(flags)) == flags


def test_a_bare_id_is_a_flag_and_the_last_remark_counts() -> None:
    text = f'\n{_FIRST}\n{{"problem_id": "{_SECOND}"}}\n{{"problem_id": "{_SECOND}", "remark": "late", "by": "me"}}\n'
    assert parse_flags(text) == {_FIRST: "", _SECOND: "late"}


@pytest.mark.parametrize(
    "line", ["0" * 31, "G" * 32, '{"problem": 1}', '{"problem_id": 7}', "{", "[]", '{"problem_id": "x"}']
)
def test_what_is_no_flag_is_named_by_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 is neither a problem's id nor an object with one as problem_id"):
        parse_flags(f"{_FIRST}\n{line}\n")


_PROBLEMS = problem_rows(60).sort("problem_id")
_ROLLOUTS = rollout_rows(_PROBLEMS, 4, 10)


def chosen(excluded: tuple[str, ...], policy: str = "hipo") -> tuple[pl.DataFrame, pl.DataFrame]:
    config = SelectConfig.model_validate({"policy": policy})
    rollouts, verdicts = (_ROLLOUTS.select(names).lazy() for names in (ROLLOUT_COLUMNS, VERDICT_COLUMNS))
    found = select_picks(_PROBLEMS.lazy(), rollouts, verdicts, config, 0, excluded=excluded)
    decisions, picks = pl.collect_all(found[:2])
    return decisions, picks


@pytest.mark.parametrize("policy", ["hipo", "adaptthink", "all-correct", "preference", "budget", "groups"])
def test_flagged_problems_are_dropped_and_no_other_decision_changes(policy: str) -> None:
    before, picks = chosen((), policy)
    kept = before.filter(pl.col("mode").is_not_null())["problem_id"]
    flagged = (kept[0], kept[5], *before.filter(pl.col("mode").is_null())["problem_id"].head(1))
    after, left = chosen((*flagged, "f" * 32), policy)
    others = ~pl.col("problem_id").is_in(list(flagged))
    assert after.filter(others).equals(before.filter(others))
    assert left.equals(picks.filter(others))
    dropped = after.filter(~others)
    assert dropped["drop_reason"].to_list() == dropped["rule"].to_list() == ["excluded"] * len(flagged)
    assert dropped.select("mode", "index", "chosen_tokens").null_count().row(0) == (len(flagged),) * 3
    counts = ["problem_id", "n_on", "right_on", "p_on", "n_off", "right_off", "p_off", "margin"]
    assert dropped.select(counts).equals(before.filter(~others).select(counts))


def test_a_flag_is_told_and_no_repetition_would_undo_it() -> None:
    before, _ = chosen(())
    flagged = before.filter(pl.col("mode").is_not_null())["problem_id"][0]
    after, _ = chosen((flagged,))
    assert "somebody flagged it" in in_words(after.filter(problem_id=flagged).row(0, named=True))
    flips = flip_probability(after.select(COLUMNS), SelectConfig(), Priors.weak())
    assert flips.is_null().to_list() == after["rule"].is_in(["excluded", "random"]).to_list()


def test_what_if_leaves_them_out_as_well() -> None:
    flagged = _PROBLEMS["problem_id"][3]
    tables = (_ROLLOUTS.select(names).lazy() for names in (ROLLOUT_COLUMNS, VERDICT_COLUMNS))
    (decisions,) = reselect(_PROBLEMS.lazy(), *tables, SelectConfig(), [Setting(4, 0.5)], 0, excluded=(flagged,))
    assert decisions.filter(drop_reason="excluded")["problem_id"].to_list() == [flagged]
    assert decisions.filter(mode=Mode.THINK_ON.value).height
