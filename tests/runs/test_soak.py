"""A run against an endpoint with every kind of fault, prompts that always fail, and kills: the dataset is the same.

`HIPO_SOAK_PROBLEMS=2000` runs it at full length.
"""

import json
import os
import random
import re
import time
from pathlib import Path

import polars as pl
import pytest

from tests.engines.faults import FAULTS
from tests.support.cluster import ray_cluster
from tests.support.commands import succeed
from tests.support.disturber import Disturber
from tests.support.soak import ROLLOUTS, bad_problem, question, soak_recipe, soaked

pytestmark = [pytest.mark.slow, pytest.mark.long]

PROBLEMS = int(os.environ.get("HIPO_SOAK_PROBLEMS", "132"))
KILLS = ["driver", "engine", "engine", "driver"]
MORE_RUNS = 3
"""A reply without content twice in a row is left to the next run, as are requests that failed as often as they may."""
RUN = ("run", "-c", "recipe.yaml", "--run-dir")
QUESTION = re.compile(r"What is \d+ plus \d+\?")
BAD = {question(number) for number in range(PROBLEMS) if bad_problem(number)}


def rows(run: Path, pattern: str) -> pl.DataFrame:
    return pl.read_parquet(str(run / pattern))


def by_question(run: Path) -> dict[str, list[str]]:
    """The dataset's rows as text, by question, in the order of its files; without their numbers in the file."""
    found: dict[str, list[str]] = {}
    # Not the table of rates, which go by a prior that is fitted to all problems, those that fail among them.
    for path in sorted(path for path in run.glob("dataset/*/*.parquet") if path.parent.name != "rates"):
        for row in pl.read_parquet(path).to_dicts():
            if "extra_info" in row:
                row["extra_info"].pop("index", None)
            text = json.dumps(row, default=str, sort_keys=True)
            (asked,) = set(QUESTION.findall(text))
            found.setdefault(asked, []).append(f"{path.parent.name}: {text}")
    return found


def failed(run: Path) -> pl.DataFrame:
    problems = rows(run, "ingest/??-????.parquet").select("problem_id", "question")
    rollouts = rows(run, "sample.*/??-????.parquet").filter(pl.col("error").is_not_null())
    return rollouts.join(problems, on="problem_id")


def test_every_kind_of_fault_and_kills_change_nothing_but_prompts_that_always_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(23)
    with ray_cluster({"num_cpus": 0}, {"num_cpus": 3}) as cluster, soaked() as server:
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        soak_recipe(tmp_path, server.url, PROBLEMS, resources={"num_cpus": 0.5})
        started = time.monotonic()
        succeed(*RUN, "undisturbed", cwd=tmp_path, timeout=3000)
        took = [time.monotonic() - started]
        needed = server.requests

        server.disturb()
        started = time.monotonic()
        disturber = Disturber(tmp_path, cluster)
        kills, seen = list(KILLS), server.requests
        while kills and disturber.keep_going():
            if server.requests - seen < needed / (2 * len(KILLS)) * draw.uniform(0.5, 1.0):
                time.sleep(0.05)
            elif disturber.kill(kills[0], draw):
                kills.pop(0)
                seen = server.requests
        disturber.finish()
        for _ in range(MORE_RUNS):
            if set(failed(tmp_path / "run")["question"]) == BAD:
                break
            succeed(*RUN, "run", cwd=tmp_path, timeout=3000)
        took.append(time.monotonic() - started)
    print(
        f"{took[0]:.0f} s undisturbed, {took[1]:.0f} s with {server.requests - needed} requests; {server.faulty.made}"
    )
    assert not kills, (tmp_path / "log.txt").read_text()[-3000:]
    assert len(server.faulty.made) == len(FAULTS) + 1

    whole, soaked_in = by_question(tmp_path / "undisturbed"), by_question(tmp_path / "run")
    assert soaked_in == {text: each for text, each in whole.items() if text not in BAD}
    lost = failed(tmp_path / "run")
    assert set(lost["question"]) == BAD and len(lost) == len(BAD) * 2 * ROLLOUTS
    told = "illegal memory access|no whole answer|the worker crashed|try later"
    assert lost["error"].str.contains(told).all()
    decisions = rows(tmp_path / "run", "select/??-????.parquet").filter(pl.col("problem_id").is_in(lost["problem_id"]))
    assert decisions.height == len(BAD) and decisions["drop_reason"].is_not_null().all()
