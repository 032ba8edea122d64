"""An arm whose thinking is looked at piece by piece, of the embedded teacher on vLLM, beside the same without."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.conftest import ROOT
from tests.support.commands import succeed

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.mark.usefixtures("on_cluster")
def test_a_controlled_arm_is_sampled_graded_and_compared_like_any_other(tmp_path: Path) -> None:
    recipe = yaml.safe_load((ROOT / "recipes" / "teacher-arms.yaml").read_text())
    off, *_, free = recipe["roles"]["arms"]
    watched = {**free, "name": "watched", "control": {"chunk": 6, "agree": 2, "trial_tokens": 16, "repeats": 0.9}}
    recipe["roles"]["arms"] = [off, watched, free]
    recipe["sample"] = {"n": 4, "template": "plain"}
    recipe["ingest"] |= {"limit": 24}
    del recipe["engines"]["teacher"]["args"]["reasoning_config"]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    run = tmp_path / "run"
    succeed("run", "-c", path, "--run-dir", run, cwd=ROOT, timeout=1200)

    rows = pl.read_parquet(str(run / "sample.watched" / "??-????.parquet"))
    assert rows.height == 24 * 4 and set(rows["finish_reason"]) == {"stop"}
    assert rows["answer"].null_count() == rows["reasoning"].null_count() == 0
    control = rows["control"].struct.unnest()
    assert set(control["ended_by"]) == {"model", "agreement"}
    assert (control["pieces"] >= 2).any() and (control["trials"] > 0).any()
    ended = rows.with_columns(control.select("ended_by", "pieces", beside="completion_tokens"))
    early = ended.filter(pl.col("ended_by") == "agreement")
    assert early["text"].str.contains("\n</think>\n\n", literal=True).all()
    assert (early["reasoning_tokens"] == 6 * early["pieces"]).all()
    assert (ended["beside"] > 0).any()
    assert "control" not in pl.read_parquet_schema(next((run / "sample.think_on").glob("??-????.parquet")))

    verdicts = pl.read_parquet(str(run / "verify.watched" / "??-????.parquet"))
    assert verdicts.height == rows.height and "correct" in verdicts["status"].to_list()
    answer = json.loads(succeed("whatif", run, "--delta", "0", "--arms", "watched", "--json", cwd=ROOT))
    (alone,) = [row for row in answer["rows"] if row["arms"] == ["watched"] and row["delta"] == 0]
    kept = pl.read_parquet(str(run / "select" / "*.arms.parquet")).filter(pl.col("mode") == "watched")
    assert alone["cost"] > kept.filter(pl.col("pick").is_not_null())["tokens"].mean()
    manifests = [json.loads(each.read_text()) for each in (run / "sample.watched").glob("??-????.json")]
    spent = sum(each["counts"]["completion_tokens"] for each in manifests)
    assert sum(each["counts"]["control_tokens"] for each in manifests) == ended["beside"].sum()
    assert spent == rows["completion_tokens"].sum() + ended["beside"].sum()

    again = succeed("run", "-c", path, "--run-dir", run, cwd=ROOT)
    assert "Nothing to do" in again
