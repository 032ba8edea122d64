"""`hipo-data calibrate` on a run's files: what is measured, what is predicted, and which runs it refuses."""

import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from hipo_data.pipeline.views.calibrate import Calibration, calibrate
from hipo_data.pipeline.views.printing.calibrate import print_calibration, write_chart
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.schemas.errors import UserError
from tests.support.made_up_run import make_run, replace_table


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    make_run(tmp_path / "run", 120, n=4, bits=1)
    return tmp_path / "run"


def printed(found: Calibration, as_json: bool) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        print_calibration(console, found, as_json)
    return capture.get()


def test_halves_are_measured_and_more_is_predicted(run_dir: Path, tmp_path: Path) -> None:
    found = calibrate(open_run(run_dir), want=0.7, repeats=4)
    measured = [(row.n, row.delta) for row in found.rows if row.mode is not None]
    assert measured == [(1, 0.15), (2, 0.15)]
    assert {(4, 0.15), (8, 0.15), (128, 0.15), (4, 0.0), (4, 0.5)} <= {(row.n, row.delta) for row in found.rows}
    assert (found.problems, found.remarks) == (120, [])
    for row in found.rows[:2]:
        assert row.response <= row.mode  # type: ignore[operator]
        assert row.rule <= row.mode  # type: ignore[operator]
        assert row.predicted == pytest.approx(row.mode, abs=0.1)
    assert sum(each.choices for each in found.tenths) == 4 * 120
    said = printed(found, as_json=False)
    assert "Take for 70.0 % of the choices to come back: sample.n: " in said
    assert "a choice that comes back may be the wrong one still" in said
    told = json.loads(printed(found, as_json=True))
    assert told["rows"][0]["mode"] == found.rows[0].mode
    assert (told["advised_n"], told["tenths"][0]["choices"]) == (found.advised_n, found.tenths[0].choices)
    write_chart(found, tmp_path / "calibration.svg")
    assert "choices that came back" in (tmp_path / "calibration.svg").read_text()
    assert "more than 128 rollouts" in printed(calibrate(open_run(run_dir), want=1.0, repeats=1), as_json=False)


def test_problems_that_were_not_sampled_in_full_are_left_out_with_a_word(run_dir: Path) -> None:
    path = next((run_dir / "sample.think_on").glob("*.parquet"))
    rollouts = pl.read_parquet(path)
    replace_table(run_dir, path, rollouts.with_columns(cap=pl.when(pl.col("index") == 3).then(pl.lit(40, pl.Int64))))
    found = calibrate(open_run(run_dir), want=0.9, repeats=1)
    gone = rollouts["problem_id"].n_unique()
    assert found.problems == 120 - gone
    assert found.remarks[0].startswith(f"{gone} of 120 problems were not sampled in full and cannot be split.")


def test_what_cannot_be_split_is_refused(tmp_path: Path) -> None:
    make_run(tmp_path / "one", 10, n=1, bits=0)
    with pytest.raises(UserError, match="has one rollout of a mode, which cannot be split"):
        calibrate(open_run(tmp_path / "one"), 0.9, 1)
    make_run(tmp_path / "shortest", 10, n=4, bits=0, select={"policy": "shortest"})
    with pytest.raises(UserError, match="the policy 'shortest' chooses none by counts"):
        calibrate(open_run(tmp_path / "shortest"), 0.9, 1)


def test_problems_that_somebody_flagged_are_left_out_as_select_does(run_dir: Path) -> None:
    path = run_dir / "select" / "01-0001.parquet"
    decisions = pl.read_parquet(path, glob=False)
    left_out = {"mode": None, "index": None, "chosen_tokens": None, "rule": "excluded", "drop_reason": "excluded"}
    flagged = pl.int_range(pl.len()) < 7
    changes = [pl.when(~flagged).then(name).otherwise(pl.lit(value)).alias(name) for name, value in left_out.items()]
    replace_table(run_dir, path, decisions.with_columns(changes))
    found = calibrate(open_run(run_dir), want=0.9, repeats=2)
    assert found.problems == 113 and sum(each.choices for each in found.tenths) == 2 * 113
    assert found.remarks == ["Without 7 problems that somebody flagged."]
