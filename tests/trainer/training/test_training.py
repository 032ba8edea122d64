"""Training as a user starts it: every algorithm takes its steps, a run that was stopped goes on."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hipo_data.reproduce.log import read_log
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.training.config import RlConfig, SftConfig
from tests.support.commands import fail, hipo_data, succeed
from tests.trainer.conftest import published, rl_recipe, sft_recipe

pytestmark = pytest.mark.slow

ALGORITHMS: list[dict[str, Any]] = [
    {"type": "hipo"},
    {"type": "grpo", "average": "tokens"},
    {"type": "hgpo"},
    {"type": "thinkless"},
    {"type": "adaptthink"},
    {"type": "autothink"},
    {"type": "lcpo", "reward": {"type": "lcpo", "low": 10, "high": 40}},
    {"type": "adapt"},
    {"type": "ada_grpo"},
    {"type": "length_penalty", "average": "constant", "reward": {"type": "length_penalty", "beta": 0.01}},
]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model" / "model.safetensors"))


def train(config: RlConfig | SftConfig) -> list[dict[str, Any]]:
    from hipo_data.trainer.training.rl import run_rl
    from hipo_data.trainer.training.sft import run_sft

    run_rl(config) if isinstance(config, RlConfig) else run_sft(config)
    return read_log(Path(config.output))


@pytest.mark.parametrize(
    "algorithm",
    [
        pytest.param(each, id=each["type"], marks=[] if each["type"] == "hipo" else [pytest.mark.long])
        for each in ALGORITHMS
    ],
)
def test_every_algorithm_takes_steps_that_move_the_model(algorithm: dict[str, Any], tmp_path: Path) -> None:
    published(tmp_path / "data")
    log = train(read_config(RlConfig, rl_recipe(tmp_path, algorithm=algorithm), []))
    steps = [row for row in log if "all/accuracy" in row]
    assert [row["step"] for row in steps] == [1, 2]
    for row in steps:
        assert {"sums/tokens", "more-sums/tokens", "all/no_signal", "all/both_modes"} <= row.keys()
        assert 0 <= row["all/accuracy"] <= 1
    if algorithm["type"] in ("hgpo", "adaptthink", "adapt"):
        assert steps[0]["all/both_modes"] == 1 and steps[0]["all/think_on"] == 0.5
    learnt = any(row["grad_norm"] > 0 for row in steps)
    assert learnt == any(row["all/no_signal"] < 1 for row in steps) or algorithm["type"] == "adaptthink"


@pytest.mark.long
def test_phases_are_trained_one_after_the_other_and_gone_on_with(tmp_path: Path) -> None:
    data = published(tmp_path / "data", validation=4)
    path = data / "sft" / "train-00000-of-00001.parquet"
    rows = pq.read_table(path).to_pylist()
    for place, row in enumerate(rows):  # every other row thinks
        row["phase"] = 1 if place % 2 and place < 16 else 2
    pq.write_table(pa.Table.from_pylist(rows), path)
    recipe = sft_recipe(tmp_path, evaluate_every=1)
    said: list[str] = []
    from hipo_data.trainer.training.sft import run_sft

    out = run_sft(read_config(SftConfig, recipe, []), said.append)
    assert [line for line in said if line.startswith("phase 1: trained on 8 examples in 1 steps")]
    assert out == f"trained on 16 examples in 2 steps: {tmp_path}/out/model"
    first, second = weights(tmp_path / "out-phase-1"), weights(tmp_path / "out")
    assert not all(torch.equal(first[name], second[name]) for name in first)
    recorded = json.loads((tmp_path / "out/recipe.json").read_text())
    assert recorded["model"]["path"] == str(tmp_path / "out-phase-1/model")
    assert recorded["data"].endswith(", phase 2")
    assert run_sft(read_config(SftConfig, recipe, [])) == f"{tmp_path}/out/model is trained already"

    together = read_config(SftConfig, recipe, ["phases=together", f"output={tmp_path}/together"])
    assert run_sft(together) == f"trained on 24 examples in 3 steps: {tmp_path}/together/model"
    assert not (tmp_path / "together-phase-1").exists()


def test_sft_lowers_the_loss_and_saves_what_rl_starts_from(tmp_path: Path) -> None:
    published(tmp_path / "data", validation=4)
    changes = {"epochs": 8, "evaluate_every": 6, "weights": {"judge": 0.5, "tag": 2.0}}
    log = train(read_config(SftConfig, sft_recipe(tmp_path, **changes), []))
    losses = [row["loss"] for row in log if "loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    assert any("eval_loss" in row for row in log)
    recipe = rl_recipe(tmp_path, format="hipo", output=str(tmp_path / "rl"), algorithm={"type": "hgpo"})
    start = read_config(RlConfig, recipe, [f"model.path={tmp_path}/out/model", "rollouts.max_tokens=80"])
    # Forced after a justification of the model's own: a rollout that gets as far as a mode has the forced one.
    assert train(start)[0]["all/tokens"] > 0


def test_a_run_that_was_stopped_ends_where_one_that_was_not_does(tmp_path: Path) -> None:
    published(tmp_path / "data")
    whole = read_config(SftConfig, sft_recipe(tmp_path, epochs=2, save_every=3, keep_checkpoints=5), [])
    train(whole)
    stopped = whole.model_copy(update={"output": str(tmp_path / "stopped")})
    shutil.copytree(tmp_path / "out", tmp_path / "stopped")
    shutil.rmtree(tmp_path / "stopped/model")
    shutil.rmtree(tmp_path / "stopped/checkpoint-6")
    train(stopped)
    one, two = weights(tmp_path / "out"), weights(tmp_path / "stopped")
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.long
def test_rl_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    published(tmp_path / "data")
    config = read_config(RlConfig, rl_recipe(tmp_path, steps=3, save_every=1, keep_checkpoints=5), [])
    train(config)
    shutil.rmtree(tmp_path / "out/model")
    shutil.rmtree(tmp_path / "out/checkpoint-3")
    before = len((tmp_path / "out/log.jsonl").read_text().splitlines())
    train(config)
    added = [json.loads(line) for line in (tmp_path / "out/log.jsonl").read_text().splitlines()[before:]]
    assert {row["step"] for row in added} == {3}


def test_the_commands(tmp_path: Path) -> None:
    published(tmp_path / "data")
    recipe = sft_recipe(tmp_path)
    root = Path(__file__).parents[3]
    said = succeed("train", "sft", "--config", recipe, cwd=root)
    assert "step 1 of 3: loss " in said and "trained on 24 examples in 3 steps" in said
    assert "is trained already" in succeed("train", "sft", "--config", recipe, cwd=root)
    again = ("train", "sft", "--config", recipe, "--set", f"output={tmp_path / 'again'}", "-q")
    quiet = hipo_data(*again, cwd=root)
    assert quiet.stdout == f"trained on 24 examples in 3 steps: {tmp_path / 'again/model'}\n" and quiet.stderr == ""
    said = fail("train", "sft", "--config", recipe, "--set", "seed=4", cwd=root)
    assert "another recipe (seed: 0 → 4)" in said
    said = fail("train", "rl", "--config", rl_recipe(tmp_path, steps=0), cwd=root)
    assert "'steps': Input should be greater than or equal to 1" in said


@pytest.mark.long
def test_the_validation_split_is_rolled_out_without_forcing(tmp_path: Path) -> None:
    published(tmp_path / "data", validation=3)
    changes = {"steps": 1, "evaluate_every": 1, "algorithm": {"type": "adaptthink"}}
    log = train(read_config(RlConfig, rl_recipe(tmp_path, **changes), []))
    assert log[0]["all/think_on"] == 0.5
    assert log[0]["eval_all/think_on"] > 0.5  # what the teacher, who knows no other start, chooses by itself


@pytest.mark.long
def test_two_processes_train_one_model(tmp_path: Path) -> None:
    """Forced halves, rewards and figures are over the rollouts of both."""
    published(tmp_path / "data")
    recipe = rl_recipe(tmp_path, algorithm={"type": "hgpo"}, steps=1)
    launch = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "hipo_data.pipeline.cli"]
    done = subprocess.run(
        [sys.executable, "-m", *launch, "train", "rl", "--config", str(recipe)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained on 24 problems in 1 steps") == 2
    log = read_log(tmp_path / "out")
    assert len([row for row in log if "all/tokens" in row]) == 1
    assert log[0]["all/think_on"] == 0.5 and log[0]["all/both_modes"] == 1


@pytest.mark.long
def test_nan_rewards_stop_training_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hipo_data.trainer.training.mode_grpo

    published(tmp_path / "data")
    monkeypatch.setattr(
        hipo_data.trainer.training.mode_grpo,
        "rewards_of",
        lambda config, facts, groups: torch.full(facts.modes.shape, float("nan")),
    )
    with pytest.raises(UserError, match=r"training stopped after step 0: rewards\[0\] is nan"):
        train(read_config(RlConfig, rl_recipe(tmp_path), []))


@pytest.mark.long
def test_truncated_completions_are_wrong_and_can_be_masked(tmp_path: Path) -> None:
    published(tmp_path / "data")
    rollouts = {"group": 4, "max_tokens": 2, "mask_truncated": True}
    log = train(read_config(RlConfig, rl_recipe(tmp_path, rollouts=rollouts, steps=1), []))
    assert log[0]["all/truncated"] == 1 and log[0]["all/accuracy"] == 0 and log[0]["grad_norm"] == 0
