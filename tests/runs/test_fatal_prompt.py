"""A prompt that kills the engine's process each time is given up; all else is complete."""

import os
from pathlib import Path

import polars as pl
import pytest

from tests.support.commands import recorded_recipe, succeed

pytestmark = pytest.mark.slow

# Read by every Python process of the run, Ray's workers too.
FATAL = """
import os, signal, sys
if any("default_worker" in part for part in sys.orig_argv):
    import hipo_data.engines.replay as replay
    generate = replay.Replay.generate
    async def fatal(self, request):
        if request.question == "What is 7 + 15?":
            os.kill(os.getpid(), signal.SIGKILL)
        return await generate(self, request)
    replay.Replay.generate = fatal
"""


def test_one_fatal_prompt_costs_its_own_problem_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_recipe(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(FATAL)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    assert "24 → 20 examples" in out
    assert "1 prompts are not asked again" in out
    for mode in ("think_on", "think_off"):
        rollouts = pl.read_parquet(str(tmp_path / f"run/sample.{mode}/??-????.parquet"))
        assert len(rollouts) == 24 * 4
        failed = rollouts.filter(pl.col("finish_reason") == "error")
        assert len(failed) == 4
        assert failed["problem_id"].n_unique() == 1
        assert failed["error_permanent"].all()
        assert failed["error"].str.contains("died 3 times").all()
    again = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    assert "Nothing to do" in again
