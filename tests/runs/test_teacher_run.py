"""Whole runs with the embedded teacher: real vLLM in a Ray actor, real sandbox, real Ray."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psutil
import pytest

from hipo_data.prompts.formats import hipo
from hipo_data.schemas.records import Mode
from tests.support.commands import COMMAND, fail, succeed

pytestmark = pytest.mark.slow

RECIPE = "recipes/quickstart.yaml"
PROBLEMS = 120
QUICKSTART = ("--config", RECIPE, "--limit", str(PROBLEMS))


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> tuple[Path, str]:
    """The run directory of the quickstart's first problems, and what the command printed."""
    run = tmp_path_factory.mktemp("quickstart") / "run"
    return run, succeed("run", "--stage", "all", *QUICKSTART, "--run-dir", run, cwd=repo_root, timeout=1500)


def read(run: Path, folder: str) -> pl.DataFrame:
    """All rows of a stage."""
    return pl.read_parquet(str(run / folder / "??-????.parquet"))


def test_every_branch_of_the_method_occurs(quickstart: tuple[Path, str]) -> None:
    decisions = read(quickstart[0], "select")
    assert decisions.height == PROBLEMS
    rules = set(decisions["rule"].to_list())
    assert {"margin", "default_off", "none"} <= rules
    assert "no_right_response" in decisions["drop_reason"].to_list()
    kept = decisions.drop_nulls("mode")
    counts = dict(kept.group_by("kind", "mode").len().select(pl.concat_str("kind", "mode"), "len").iter_rows())
    for kind_and_mode in ("maththink_on", "maththink_off", "codethink_on", "codethink_off"):
        assert counts.get(kind_and_mode, 0) >= 5, counts


def test_the_kept_response_is_right_and_no_right_one_of_its_mode_is_shorter(quickstart: tuple[Path, str]) -> None:
    run, _ = quickstart
    rollouts = pl.concat([read(run, f"sample.{mode}") for mode in Mode])
    verdicts = pl.concat([read(run, f"verify.{mode}") for mode in Mode])
    keys = ["problem_id", "mode", "index"]
    graded = rollouts.join(verdicts.select(*keys, "status"), on=keys, validate="1:1")
    assert graded.height == PROBLEMS * 16
    for decision in read(run, "select").drop_nulls("mode").to_dicts():
        of_mode = graded.filter(problem_id=decision["problem_id"], mode=decision["mode"])
        kept = of_mode.filter(index=decision["index"]).to_dicts()[0]
        assert (kept["status"], kept["finish_reason"]) == ("correct", "stop")
        whole = of_mode.filter((pl.col("status") == "correct") & (pl.col("finish_reason") == "stop"))
        assert kept["completion_tokens"] == whole["completion_tokens"].min()


def test_every_example_parses_back_and_keeps_to_its_mode(quickstart: tuple[Path, str]) -> None:
    examples = read(quickstart[0], "justify").to_dicts()
    assert len(examples) > PROBLEMS / 2
    for example in examples:
        response = hipo.parse(example["messages"][-1]["content"])
        assert response.mode == example["mode"]
        assert (response.justification, response.reasoning, response.answer) == (
            example["justification"],
            example["reasoning"],
            example["answer"],
        )


def test_thinking_costs_tokens_and_the_dataset_saves_them(quickstart: tuple[Path, str]) -> None:
    figures = json.loads((quickstart[0] / "publish/statistics.json").read_text())
    assert figures["on"]["mean_tokens"] > 2 * figures["off"]["mean_tokens"]
    assert figures["example_tokens"] < figures["always_on_tokens"]
    assert figures["on"]["right"] > figures["off"]["right"]


def test_datasets_loads_what_was_published_as_the_card_says(quickstart: tuple[Path, str], tmp_path: Path) -> None:
    from datasets import load_dataset

    cache = str(
        tmp_path
    )  # `datasets` keys its shared cache by the folder's name, and would serve an earlier run's rows

    folder = quickstart[0] / "dataset"
    sft = load_dataset("parquet", data_files={"train": str(folder / "sft/train-*.parquet")}, cache_dir=cache)["train"]
    assert sft.num_rows > PROBLEMS / 2
    assert sft[0]["messages"][1]["role"] == "assistant"
    rl = load_dataset("parquet", data_files={"train": str(folder / "rl/train-*.parquet")}, cache_dir=cache)["train"]
    assert set(rl.column_names) == {"data_source", "prompt", "ability", "reward_model", "extra_info", "solution"}
    shown = re.search(r"data_files=(\{.*?\})", (folder / "README.md").read_text())
    assert shown is not None
    assert "sft/train-*.parquet" in shown[1]
    configured = load_dataset(str(folder), "sft", cache_dir=cache)
    assert configured["train"].num_rows == sft.num_rows


def test_the_summary_says_what_came_out_and_what_to_do_next(quickstart: tuple[Path, str]) -> None:
    _, out = quickstart
    for word in ("problems", "modes", "pass rates", "tokens", "dataset", "report", "seconds", "Next: "):
        assert word in out


def test_the_same_command_again_does_nothing(quickstart: tuple[Path, str], repo_root: Path) -> None:
    assert "Nothing to do" in succeed("run", *QUICKSTART, "--run-dir", quickstart[0], cwd=repo_root)


CUT = 64
"""Problems of runs that are cut short."""
CUT_SHORT = ("run", "-c", RECIPE, "--limit", str(CUT), "--set", "ingest.shard_size=1000")


def interrupted(run: Path, repo_root: Path, kill: Callable[[subprocess.Popen[str]], None]) -> subprocess.Popen[str]:
    """Starts a run, waits until rollouts are journalled while more are under way, and calls `kill`."""
    driver = subprocess.Popen(
        [COMMAND, *CUT_SHORT, "--run-dir", run],
        cwd=repo_root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    # One shard in one mode is 512 rollouts, so its journal stays for many seconds.
    while sum(len(path.read_bytes().splitlines()) - 1 for path in run.glob("journal/sample.*/*/*.jsonl")) < 100:
        assert driver.poll() is None, driver.communicate()[0]
        time.sleep(0.05)
    kill(driver)
    return driver


def assert_complete(run: Path) -> None:
    """Every rollout is there, once."""
    for mode in Mode:
        keys = read(run, f"sample.{mode}").select("problem_id", "index")
        assert keys.height == CUT * 8
        assert keys.unique().height == keys.height
    assert (run / "dataset/README.md").exists()
    assert not list(run.glob("journal/*/*/*.jsonl"))


@pytest.mark.long
def test_a_killed_driver_costs_only_what_was_not_yet_journalled(tmp_path: Path, repo_root: Path) -> None:
    run = tmp_path / "run"

    def kill(driver: subprocess.Popen[str]) -> None:
        names = [(child, child.name()) for child in psutil.Process(driver.pid).children(recursive=True)]
        workers = [child for child, name in names if name.startswith("ray::") and not name.endswith("Agent")]
        assert workers
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        # A worker that outlives the driver may commit a shard after it; what is counted below is what is there for
        # good. Ray's own agents commit nothing, and take longer to end.
        _, alive = psutil.wait_procs(workers, timeout=60)
        assert not alive, alive

    interrupted(run, repo_root, kill)
    # One mode may be complete, and so out of its journal, before the other has a hundred rollouts there.
    complete = sum(pl.read_parquet(table).height for table in run.glob("sample.*/??-????.parquet"))
    assert complete < CUT * 16
    again = succeed(*CUT_SHORT, "--run-dir", run, cwd=repo_root)
    said = re.search(r"(\d+) sampled, (\d+) taken from earlier attempts; (\d+) were under way", again)
    assert said is not None, again
    sampled, reused, _ = map(int, said.groups())
    assert reused > 0
    assert complete + sampled + reused == CUT * 16
    assert_complete(run)


@pytest.mark.long
def test_a_killed_engine_is_started_again_and_nothing_is_lost(tmp_path: Path, repo_root: Path) -> None:
    def kill(driver: subprocess.Popen[str]) -> None:
        children = psutil.Process(driver.pid).children(recursive=True)
        actors = [child for child in children if "EngineActor" in " ".join(child.cmdline())]
        assert actors
        for actor in actors:
            actor.kill()

    driver = interrupted(tmp_path / "run", repo_root, kill)
    out, _ = driver.communicate(timeout=1500)
    assert driver.returncode == 0, out
    assert "starting it again" in out
    assert_complete(tmp_path / "run")


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_an_endpoint_gives_a_dataset_of_the_same_kind(vllm_server: str, tmp_path: Path, repo_root: Path) -> None:
    engine = {"type": "openai", "model": "teacher", "base_url": vllm_server}
    out = succeed(
        "run", "-c", RECIPE, "--run-dir", tmp_path / "run", "--limit", "48",
        "--set", f"engines.teacher={json.dumps(engine)}", cwd=repo_root, timeout=1500,
    )  # fmt: skip
    assert "48 →" in out
    figures = json.loads((tmp_path / "run/publish/statistics.json").read_text())
    assert figures["on"]["graded"] == figures["off"]["graded"] == 48 * 8
    assert figures["modes"]["think_on"] > 5
    assert figures["modes"]["think_off"] > 5
    for example in read(tmp_path / "run", "justify").to_dicts():
        hipo.parse(example["messages"][-1]["content"])


@pytest.mark.long
def test_a_model_that_is_not_there_is_named(tmp_path: Path, repo_root: Path) -> None:
    missing = "engines.teacher.model=models/nothing-here"
    said = fail("run", "-c", RECIPE, "--run-dir", tmp_path / "run", "--set", missing, cwd=repo_root, code=1)
    assert "models/nothing-here" in said
