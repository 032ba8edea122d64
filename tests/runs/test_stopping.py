"""Runs that stop a problem when it is decided: the same selection as full sampling, from fewer rollouts."""

import random
from pathlib import Path

import polars as pl
import pytest

from tests.support.commands import recorded_recipe, succeed, write_lines

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("on_cluster")]

CHOICE = ["problem_id", "mode", "rule", "index", "chosen_tokens", "drop_reason"]
KEPT = ["problem_id", "mode", "question", "reasoning", "answer", "rollout_index", "completion_tokens", "sources"]


def recipe_of_many_kinds(folder: Path) -> None:
    """72 problems whose responses differ in rightness and length as if at random, some of them for a random mode.

    Some think-off responses doubt themselves and are refused, so that full and stopped sampling have to agree on that.
    """
    recorded_recipe(folder, problems=72, sample={"n": 8}, select={"random_fraction": 0.1, "leaking": "refuse"})
    draw = random.Random(0)
    responses = []
    for i in range(72):
        total, p_on, p_off = 3 * i + 1, draw.random(), draw.choice([0, 0, draw.random(), 1])
        on, off = (
            [draw.choice([3, 5, 8, 13, 21]) * "so " for _ in range(8)],
            [draw.choice(["", "well ", "well well ", "wait, hmm "]) for _ in range(8)],
        )
        responses.append(
            {
                "question": f"What is {i} + {2 * i + 1}?",
                "on": [
                    f"<think>\n{words}it is\n</think>\n\n\\boxed{{{total + (draw.random() > p_on)}}}" for words in on
                ],
                "off": [f"{words}\\boxed{{{total + (draw.random() > p_off)}}}" for words in off],
            }
        )
    write_lines(folder / "responses.jsonl", responses)


def run(folder: Path, run_dir: str, *overrides: str) -> str:
    sets = [part for override in overrides for part in ("--set", override)]
    return succeed("run", "-c", "recipe.yaml", "--run-dir", run_dir, *sets, cwd=folder)


def rows(folder: Path, stage: str) -> pl.DataFrame:
    frame = pl.read_parquet(str(folder / stage / "??-????.parquet"))
    return frame.sort([key for key in ("problem_id", "mode", "index") if key in frame.columns])


def test_the_selection_is_that_of_full_sampling_and_the_rest_can_be_had_later(tmp_path: Path) -> None:
    recipe_of_many_kinds(tmp_path)
    run(tmp_path, "full")
    out = run(tmp_path, "stopped", "sample.stop=decided")
    full, stopped = tmp_path / "full", tmp_path / "stopped"
    assert rows(stopped, "select").select(CHOICE).equals(rows(full, "select").select(CHOICE))
    assert rows(stopped, "justify").select(KEPT).equals(rows(full, "justify").select(KEPT))
    assert rows(stopped, "sample.think_off").drop("seed").equals(rows(full, "sample.think_off").drop("seed"))
    asked, all_of_them = rows(stopped, "sample.think_on"), rows(full, "sample.think_on")
    assert len(asked) < 0.8 * len(all_of_them)
    over = asked.filter(pl.col("completion_tokens") > pl.col("cap"))
    assert over.height > 0
    assert (over["finish_reason"] == "stop").all()  # what is recorded is whole
    assert rows(stopped, "verify.think_on").height == asked.height
    tokens = {name: rows(tmp_path / name, "sample.think_on")["completion_tokens"].sum() for name in ("full", "stopped")}
    assert tokens["stopped"] < 0.8 * tokens["full"]
    assert "completion characters saved" in out

    run(tmp_path, "stopped", "sample.stop=never")
    assert rows(stopped, "sample.think_on").equals(all_of_them)
    assert rows(stopped, "select").equals(rows(full, "select"))


def test_another_delta_samples_only_what_it_still_needs(tmp_path: Path) -> None:
    recipe_of_many_kinds(tmp_path)
    run(tmp_path, "stopped", "sample.stop=decided", "select.delta=0.5")
    before = rows(tmp_path / "stopped", "sample.think_on")
    again = run(tmp_path, "stopped", "sample.stop=decided", "select.delta=0.1")
    full = run(tmp_path, "full", "select.delta=0.1")
    assert "taken from earlier attempts" in again
    assert full
    assert rows(tmp_path / "stopped", "select").select(CHOICE).equals(rows(tmp_path / "full", "select").select(CHOICE))
    assert rows(tmp_path / "stopped", "sample.think_on").height > before.height


def test_likely_stops_sooner_than_decided(tmp_path: Path) -> None:
    recipe_of_many_kinds(tmp_path)
    run(tmp_path, "decided", "sample.stop=decided")
    run(tmp_path, "likely", "sample.stop=likely", "sample.stop_error=0.2")
    asked = {name: rows(tmp_path / name, "sample.think_on").height for name in ("decided", "likely")}
    assert asked["likely"] < asked["decided"]
