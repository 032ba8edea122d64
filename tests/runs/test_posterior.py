"""Runs whose rule asks a prior: one for all shards, the same whatever was sampled and however it was cut up."""

from pathlib import Path

import polars as pl
import pytest

from tests.runs.test_stopping import CHOICE, recipe_of_many_kinds, rows, run
from tests.support.commands import succeed

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("on_cluster")]

PRIOR = "select.prior/all.parquet"


def test_full_and_stopped_sampling_and_any_shards_come_to_one_prior_and_one_selection(tmp_path: Path) -> None:
    recipe_of_many_kinds(tmp_path)
    rule = "select.rule=posterior"
    out = run(tmp_path, "full", rule)
    assert "the prior of the run, fitted to" in " ".join(out.split())
    run(tmp_path, "stopped", rule, "sample.stop=decided", "ingest.shard_size=40")
    full, stopped = tmp_path / "full", tmp_path / "stopped"
    assert len(list((stopped / "select").glob("??-????.json"))) < len(list((full / "select").glob("??-????.json")))
    prior = pl.read_parquet(full / PRIOR)
    assert prior["name"].to_list() == ["run"]
    assert pl.read_parquet(stopped / PRIOR).equals(prior)
    assert rows(stopped, "select").select(CHOICE).equals(rows(full, "select").select(CHOICE))
    assert rows(stopped, "sample.think_on").height < rows(full, "sample.think_on").height
    decided = rows(full, "select")
    assert decided.filter(pl.col("rule") == "margin")["p_gain"].min() > 0.5  # type: ignore[operator]
    assert decided["prior"].unique().to_list() == ["run"]

    one = decided.filter(pl.col("rule") == "margin")["problem_id"][0]
    told = " ".join(succeed("explain", "full", one, cwd=tmp_path).split())
    assert "> 0.5 by the prior of the run, fitted to" in told
    assert "probability of a wrong mode" in told
    (own,) = [
        line for line in succeed("whatif", "full", "--delta", "0.15", cwd=tmp_path).splitlines() if "0.15*" in line
    ]
    assert own.split()[-1] == "0"
    assert "the prior of the run" in " ".join((full / "dataset" / "README.md").read_text().split())

    again = run(tmp_path, "full", rule, "select.delta=0.4")
    assert pl.read_parquet(full / PRIOR).equals(prior)
    assert "select.prior" not in again
    assert rows(full, "select")["delta"].unique().to_list() == [0.4]
    plan = succeed("plan", "-c", "recipe.yaml", "--run-dir", "full", "--set", rule, cwd=tmp_path)
    assert "select.prior" in plan
