"""`hipo-data whatif` on a run's files: the run's own row is the run, and what a reader has to know is said."""

import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from hipo_data.pipeline.views.printing.whatif import print_answer, write_chart
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.pipeline.views.settings import parse_deltas, parse_ns
from hipo_data.pipeline.views.whatif import Answer, ask, tables_of
from hipo_data.schemas.errors import UserError
from hipo_data.stages.select.pair_counts import cells
from hipo_data.stages.select.prior import Priors, fit
from hipo_data.stages.select.select import select
from hipo_data.stages.select.whatif import WhatIf
from tests.support.made_up_run import make_run, replace_table

N = 6


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run of 80 problems in two shards, in a folder whose name looks like a glob."""
    make_run(tmp_path / "run[1]", 80, n=N, bits=1, select={"delta": 0.2})
    return tmp_path / "run[1]"


def own(answer: Answer) -> WhatIf:
    (row,) = [row for row in answer.rows if (row.n, row.delta) == (answer.n, answer.delta)]
    return row


def printed(answer: Answer, as_json: bool) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        print_answer(console, answer, as_json)
    return capture.get()


def test_the_runs_own_row_is_the_run_and_is_always_there(run_dir: Path) -> None:
    answer = ask(open_run(run_dir), [0.0, 0.5])
    row = own(answer)
    decisions = pl.concat(pl.read_parquet(path, glob=False) for path in (run_dir / "select").glob("01-????.parquet"))
    assert (row.changed, row.problems) == (0, 80)
    assert row.modes["think_on"] == decisions.filter(pl.col("mode") == "think_on").height
    assert row.lost == decisions["mode"].null_count()
    assert [other.delta for other in answer.rows] == [0.0, 0.2, 0.5]
    assert answer.rows[0].modes["think_on"] > row.modes["think_on"] > answer.rows[2].modes["think_on"]
    assert answer.remarks == []


def test_fewer_rollouts_are_the_first_ones_and_repetitions_are_measured_up_to_half(
    run_dir: Path, tmp_path: Path
) -> None:
    make_run(tmp_path / "short", 80, n=3, bits=1, select={"delta": 0.2})
    few = next(row for row in ask(open_run(run_dir), [0.2], [3, 4]).rows if row.n == 3)
    same = own(ask(open_run(tmp_path / "short"), [0.2]))
    said_by_others = {"pass_rate", "pass_rate_low", "pass_rate_high", "held", "repeated", "changed"}
    assert few.model_dump(exclude=said_by_others) == same.model_dump(exclude=said_by_others)
    assert (few.held, same.held) == (few.examples, 0)
    assert few.repeated is not None
    assert ask(open_run(run_dir), [0.2], [4]).rows[0].repeated is None


def test_the_rule_posterior_is_asked_under_a_prior_of_each_n_over_all_shards(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = open_run(run_dir)
    config = files.config.select.model_copy(update={"rule": "posterior"})
    files.config = files.config.model_copy(update={"select": config})
    monkeypatch.setattr("hipo_data.pipeline.views.whatif._BATCH_BYTES", 1)  # a shard at a time
    rows = {(row.n, row.delta): row for row in ask(files, [0.4], [3, N]).rows}
    problems, rollouts, verdicts = tables_of(files, files.shards)
    for n in (3, N):
        tables = problems, rollouts.filter(pl.col("index") < n), verdicts.filter(pl.col("index") < n)
        priors = Priors(tuple(fit(cells(*tables, config, files.config.seed).collect())))
        assert priors.of_run == "run"
        for delta in (0.2, 0.4):
            at = config.model_copy(update={"delta": delta})
            modes = select(*tables, at, files.config.seed, priors=priors).collect()["mode"]
            assert rows[n, delta].modes["think_on"] == (modes == "think_on").sum() > 0
            assert 0 < (rows[n, delta].flip or 0) < 1
    assert rows[3, 0.2].repeated is not None


def test_more_rollouts_than_there_are_is_refused(run_dir: Path) -> None:
    with pytest.raises(UserError, match=r"--n 7 is more than the 6 rollouts .* give 6 or less"):
        ask(open_run(run_dir), [0.2], [7])


def test_a_run_that_stopped_sampling_early_says_so(run_dir: Path) -> None:
    path = next((run_dir / "sample.think_on").glob("*.parquet"))
    rollouts = pl.read_parquet(path, glob=False)
    capped = pl.when(pl.col("index") == N - 1).then(pl.lit(40, pl.Int64))
    replace_table(run_dir, path, rollouts.with_columns(cap=capped))
    answer = ask(open_run(run_dir), [0.2], [2, N])
    problems = rollouts["problem_id"].n_unique()
    assert answer.remarks[0].startswith(f"{problems} of 80 problems have fewer rollouts than the recipe asks for")
    assert "fewer rollouts than the recipe asks for" in printed(answer, as_json=False)
    assert json.loads(printed(answer, as_json=True))["remarks"] == answer.remarks


def test_shards_that_are_not_graded_yet_are_left_out_with_a_word(run_dir: Path) -> None:
    (run_dir / "verify.think_on/01-0001.json").unlink()
    answer = ask(open_run(run_dir), [0.2])
    assert answer.remarks == ["Only 1 of 2 shards are graded so far; the others are left out."]
    assert own(answer).problems < 80
    (run_dir / "verify.think_on/01-0000.json").unlink()
    with pytest.raises(UserError, match="no shard with graded rollouts"):
        ask(open_run(run_dir), [0.2])


def test_problems_that_the_run_left_out_by_hand_are_left_out_wherever_the_file_is(run_dir: Path) -> None:
    path = run_dir / "select" / "01-0001.parquet"
    decisions = pl.read_parquet(path, glob=False)
    first = pl.int_range(pl.len()) == decisions["mode"].is_not_null().arg_true()[0]
    left_out = {"mode": None, "index": None, "chosen_tokens": None, "rule": "excluded", "drop_reason": "excluded"}
    changes = [pl.when(~first).then(name).otherwise(pl.lit(value)).alias(name) for name, value in left_out.items()]
    replace_table(run_dir, path, decisions.with_columns(changes))
    for row in ask(open_run(run_dir), [0.0, 0.2, 0.5]).rows:
        assert row.drops["excluded"] == 1
        assert row.delta != 0.2 or row.changed == 0


def test_batches_of_shards_do_not_change_the_answer(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = ask(open_run(run_dir), [0.0, 0.2], [3, N])
    monkeypatch.setattr("hipo_data.pipeline.views.whatif._BATCH_BYTES", 1)
    apart = ask(open_run(run_dir), [0.0, 0.2], [3, N])
    assert [row.modes | row.rules for row in apart.rows] == [row.modes | row.rules for row in together.rows]
    for row, other in zip(apart.rows, together.rows, strict=True):
        assert (row.tokens, row.flip, row.repeated) == pytest.approx((other.tokens, other.flip, other.repeated))


def test_before_select_nothing_counts_as_changed(run_dir: Path) -> None:
    (run_dir / "select/01-0001.json").unlink()
    assert own(ask(open_run(run_dir), [0.2])).changed is None


def test_the_table_marks_the_runs_own_setting_and_json_holds_all(run_dir: Path) -> None:
    answer = ask(open_run(run_dir), [0.0, 0.2], [3, N])
    lines = printed(answer, as_json=False).splitlines()
    assert [line.split()[1] for line in lines[1:5]] == ["0", "0.2", "0", "0.2*"]
    rows = json.loads(printed(answer, as_json=True))["rows"]
    assert [(row["n"], row["delta"]) for row in rows] == [(3, 0.0), (3, 0.2), (6, 0.0), (6, 0.2)]
    assert rows[3]["think_on_share"] == own(answer).think_on_share


def test_the_chart_is_a_picture_of_the_kind_that_its_name_says(run_dir: Path, tmp_path: Path) -> None:
    answer = ask(open_run(run_dir), [0.1, 0.2])
    write_chart(answer, tmp_path / "a.svg")
    write_chart(answer, tmp_path / "a.png")
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match=r"ends in \.svg or \.png"):
        write_chart(answer, tmp_path / "a.pdf")


def test_ranges_of_delta_hold_both_ends_and_no_rounding_errors() -> None:
    assert parse_deltas("0:0.5:0.05") == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]
    assert parse_deltas("0.1,0.25") == [0.1, 0.25]
    assert parse_deltas("0.15") == [0.15]


@pytest.mark.parametrize(
    "text", ["0:1", "0:1:0", "0:1:-1", "a", "", "0.5:0.1:0.1", "0:2:0.5", "-0.1", "nan", "0:1:nan", "0:1:1e-9"]
)
def test_other_deltas_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(UserError, match="--delta"):
        parse_deltas(text)


@pytest.mark.parametrize("text", ["0", "-1", "4,", "x", "2.5", "²"])
def test_other_counts_of_rollouts_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(UserError, match="--n takes whole numbers"):
        parse_ns(text)


def test_a_run_of_another_version_is_refused_with_the_key(run_dir: Path) -> None:
    path = run_dir / "run.json"
    recorded = json.loads(path.read_text())
    recorded["config"]["select"]["no_such_key"] = 1
    del recorded["checksum"]
    path.write_text(json.dumps(recorded))
    with pytest.raises(UserError, match=r"another version of hipo-data \('select\.no_such_key'"):
        open_run(run_dir)
