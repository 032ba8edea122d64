"""Four arms of the embedded teacher through vLLM: budgets are kept to, and what is settled is not asked again."""

from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.support.commands import succeed

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.mark.usefixtures("on_cluster")
def test_budgets_are_kept_to_and_dearer_arms_are_sampled_where_it_matters(tmp_path: Path) -> None:
    recipe = ROOT / "recipes" / "teacher-arms.yaml"
    succeed("run", "-c", recipe, "--run-dir", tmp_path / "run", "--set", "ingest.limit=24", cwd=ROOT, timeout=1200)
    rollouts = {
        arm: pl.read_parquet(str(tmp_path / "run" / f"sample.{arm}" / "??-????.parquet"))
        for arm in ("think_off", "short", "long", "think_on")
    }
    assert rollouts["think_off"]["reasoning_tokens"].max() == 0
    verdicts = pl.read_parquet(str(tmp_path / "run" / "verify.*" / "??-????.parquet"))
    # The engine ends the thinking; a teacher that goes on in its answer and ends it once more is found out.
    over = verdicts.filter(pl.col("reason") == "over_budget")
    assert over.height <= 0.02 * verdicts.height and not (over["status"] == "correct").any()
    for arm, least, budget in (("short", 1, 32), ("long", 33, 112)):
        within = rollouts[arm].join(over, on=["problem_id", "mode", "index"], how="anti")
        assert least <= int(within["reasoning_tokens"].max()) <= budget  # type: ignore[arg-type]
    counts = [frame.height for frame in rollouts.values()]
    assert counts == sorted(counts, reverse=True) and counts[0] == 24 * 8 > counts[-1]
