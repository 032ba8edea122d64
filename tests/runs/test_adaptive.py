"""A run that spends its rollouts where modes are least sure: as many in all, those of a uniform run among them."""

import random
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.runs.test_stopping import rows, run
from tests.support import teacher_endpoint
from tests.support.commands import recorded_recipe, succeed

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("on_cluster")]

N, PROBLEMS = 4, 40


def reply(body: dict[str, Any]) -> str:
    """Right or wrong by the request's seed, as often as a problem's own rate says."""
    total = sum(numbers := [int(word) for word in re.findall(r"\d+", body["messages"][-1]["content"])])
    thinks = body["chat_template_kwargs"]["enable_thinking"]
    rates = random.Random(numbers[0])
    off, on = rates.choice([0.0, 1.0, rates.random()]), rates.random()
    wrong = random.Random(f"{body['seed']} {numbers[0]} {thinks}").random() >= (on if thinks else off)
    return f"{'<think>so it is</think>' if thinks else ''}\n\n\\boxed{{{total + wrong}}}"


def test_as_many_rollouts_go_where_modes_are_least_sure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_endpoint, "_reply", reply)
    adaptive = "sample.allocate=adaptive"
    with teacher_endpoint.teacher_endpoint() as url:
        role = {"engine": "teacher", "sampling": {"temperature": 1.0, "max_tokens": 100}}
        recorded_recipe(
            tmp_path,
            problems=PROBLEMS,
            ingest={"shard_size": 20, "near_duplicates": None},
            sample={"n": N},
            engines={
                "teacher": {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": url},
                "reasons": {"type": "replay", "path": str(tmp_path / "reasons.jsonl")},
            },
            roles={
                "think_on": {**role, "chat_template_kwargs": {"enable_thinking": True}},
                "think_off": {**role, "chat_template_kwargs": {"enable_thinking": False}},
                "justifier": {"engine": "reasons"},
            },
        )
        run(tmp_path, "uniform")
        run(tmp_path, "adaptive", adaptive)
        asked = teacher_endpoint.count_requests()
        out = run(tmp_path, "uniform", adaptive)
        assert teacher_endpoint.count_requests() - asked < N * PROBLEMS
        asked = teacher_endpoint.count_requests()
        again = run(tmp_path, "uniform", adaptive)
        assert teacher_endpoint.count_requests() == asked
    assert "Nothing to do" in again
    later, first = tmp_path / "uniform", tmp_path / "adaptive"
    problems = pl.read_parquet(str(first / "ingest" / "??-????.parquet")).height
    for mode in ("think_on", "think_off"):
        stage = f"sample.{mode}"
        assert rows(later, stage).equals(rows(first, stage))
        given = rows(first, stage).group_by("problem_id").len()["len"]
        assert given.sum() == N * problems
        assert given.min() == 2
        assert 2 * N < given.max() <= 4 * N  # type: ignore[operator]
        assert rows(first, f"verify.{mode}").height == N * problems
    assert rows(later, "select").equals(rows(first, "select"))
    assert "taken from earlier attempts" in out
    most = rows(first, "select").with_columns(all=pl.col("n_on") + pl.col("n_off")).sort("all")[-1]
    told = " ".join(succeed("explain", "adaptive", most["problem_id"].item(), cwd=tmp_path).split())
    assert f"{most['n_on'].item()} + {most['n_off'].item()} rollouts" in told
    answer = " ".join(succeed("whatif", "adaptive", "--delta", "0.15", cwd=tmp_path).split())
    assert "problems have unequal numbers, up to N" in answer
    (own,) = [line for line in succeed("whatif", "adaptive", cwd=tmp_path).splitlines() if "0.15*" in line]
    assert own.split()[-1] == "0"  # decides as the run does
    assert "from unequal numbers of rollouts: think-on 2 to" in (first / "dataset" / "README.md").read_text()
    assert f"(mean {N}.0), think-off 2 to" in " ".join(out.split())
