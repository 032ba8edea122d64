"""The plug-in inside verl's own functions: found by name, the same numbers as `train rl`, launched as deploy/ says."""

import json
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hipo_data.graders import Grader
from hipo_data.pipeline.ship.export import export
from hipo_data.pipeline.ship.published import published
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Mode
from hipo_data.trainer.algorithms.rollouts import Segment, segment_tensor
from hipo_data.trainer.facts.scoring import Facts, Scorer
from hipo_data.trainer.facts.shaping import rewards_of, token_advantages, values_of
from hipo_data.trainer.training.tokenizer import load_tokenizer
from hipo_data.trainer.verl.settings import ESTIMATORS, settings_of
from tests.conftest import ROOT
from tests.support.published import make_published
from tests.support.verl_library import run_beside
from tests.trainer.algorithms import reference
from tests.trainer.algorithms.batches import Batch
from tests.trainer.conftest import TEACHER

pytestmark = pytest.mark.long

HIPO = FORMATS["hipo"]
SCRIPT = ROOT / "deploy" / "verl.sh"
METHODS = list(ESTIMATORS)
PREFIXED = "hgpo, where the mode comes first"
near = pytest.approx


def model_of(folder: Path, style: str, template: str) -> Path:
    """A tokenizer as `train sft` saves it: a token for each tag, prompts that end as the template has them end."""
    tokenizer = load_tokenizer(str(TEACHER), template, FORMATS[style])
    tokenizer.add_tokens(list(FORMATS[style].tags))
    tokenizer.save_pretrained(folder)
    for name in ("config.json", "generation_config.json"):
        (folder / name).write_bytes((TEACHER / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_of(tmp_path_factory.mktemp("model"), "hipo", "chatml")


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_of(tmp_path_factory.mktemp("prefixed"), "thinkless", "chatml")


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose chat template has Qwen3's switch."""
    template = str(resources.files("trl") / "chat_templates" / "qwen3.jinja")
    return model_of(tmp_path_factory.mktemp("switched"), "qwen3", template)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export whose problems also ask for a number of tokens."""
    folder = tmp_path_factory.mktemp("data")
    export(published(str(make_published(folder / "published"))), "verl-rl", folder / "export")
    for path in (folder / "export").glob("*.parquet"):
        rows = [row for row in pq.read_table(path).to_pylist() if row["ability"] == "math"]
        for row in rows:
            row["extra_info"]["budget"] = 40
        pq.write_table(pa.Table.from_pylist(rows), path)
    return folder / "export"


def launch(
    method: str, model: Path, data: Path, tmp_path: Path, *more: str, form: str = "hipo"
) -> "subprocess.CompletedProcess[str]":
    python = tmp_path / "python"
    python.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(python), "METHOD": method, "FORMAT": form}
    words = [str(SCRIPT), str(model), str(data), "/out", *more]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def answered(row: dict[str, Any]) -> list[tuple[str, bool]]:
    """Texts that a model could write to a problem, and whether each came to its end: right, wrong and neither."""
    gold = row["reward_model"]["ground_truth"]

    def text(mode: Mode, answer: str, thought: str = "One, then the other.") -> str:
        on = mode is Mode.THINK_ON
        response = HybridResponse(mode, "A short sum.", thought if on else None, f"\\boxed{{{answer}}}")
        return HIPO.render(response).removeprefix(HIPO.prompt_suffix)

    whole = text(Mode.THINK_ON, gold)
    return [
        (whole, True),
        (text(Mode.THINK_ON, gold, "A longer thought about one and about the other."), True),
        (text(Mode.THINK_ON, "977"), True),
        (text(Mode.THINK_OFF, gold), True),
        (text(Mode.THINK_OFF, gold), True),
        (text(Mode.THINK_OFF, "977"), True),
        (whole[: len(whole) // 2], False),
        (f"It is {gold}.", True),
    ]


@pytest.fixture(scope="module")
def rows(data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(data / "train.parquet").to_pylist()
    return found


@pytest.fixture(scope="module")
def ran(
    verl_library: Path,
    model: Path,
    prefixed: Path,
    switched: Path,
    data: Path,
    rows: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], dict[str, Any]]:
    """What each part of the plug-in did inside verl, by kind and method."""
    tmp_path = tmp_path_factory.mktemp("launch")
    launches = {
        method: launch(method, model, data, tmp_path, "trainer.n_gpus_per_node=1").stdout.splitlines()[2:]
        for method in METHODS
    }
    launches[PREFIXED] = launch("hgpo", prefixed, data, tmp_path, form="thinkless").stdout.splitlines()[2:]
    # The prompts' rollouts take turns, as they may in verl's batches.
    texts = zip(answered(rows[0]), answered(rows[1]), strict=True)
    rollouts = [(at, *text) for pair in texts for at, text in enumerate(pair)]
    solutions = [answered(rows[0])[at][0] for at in (3, 5)]
    more = ("+data.apply_chat_template_kwargs.enable_thinking=False", "trainer.n_gpus_per_node=1")
    asked = launch("length_penalty", switched, data, tmp_path, *more, form="qwen3").stdout.splitlines()[2:]
    text = f"\\boxed{{{rows[0]['reward_model']['ground_truth']}}}"
    job = {
        "launches": launches, "rollouts": rollouts, "solutions": solutions, "rl": data / "train.parquet",
        "switched": {"overrides": asked, "text": text},
    }  # fmt: skip
    results = run_beside(
        "train_with_verl.py", verl_library, job, VERL_USE_EXTERNAL_MODULES="hipo_data.trainer.verl.plugin"
    )
    return {(each["kind"], each.get("method", "")): each for each in results}


@cache
def scored(ids: tuple[tuple[int, ...], ...], model: Path, problems: str) -> tuple[Facts, torch.Tensor]:
    """Facts and segments as `train rl` has them."""
    tokenizer = load_tokenizer(str(model), "model", HIPO)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    with Grader(GradingConfig()) as grader:
        scorer = Scorer(HIPO, tokenizer, frozenset([end]), grader)
        facts, readings = scorer(json.loads(problems), ids, torch.device("cpu"))
    return facts, segment_tensor([reading.segments for reading in readings], max(map(len, ids)))


def as_trained(found: dict[str, Any], rows: Sequence[dict[str, Any]], model: Path) -> tuple[Facts, torch.Tensor]:
    problems = [
        {
            "problem_id": row["extra_info"]["problem_id"],
            "kind": row["ability"],
            "question": "",
            "gold": row["extra_info"]["gold"],
            "p_on": row["extra_info"]["p_on"],
            "budget": 40,
        }
        for row in [rows[at % 2] for at in range(len(found["ids"]))]
    ]
    return scored(tuple(map(tuple, found["ids"])), model, json.dumps(problems))


@pytest.mark.parametrize("method", METHODS)
def test_advantages_are_those_of_train_rl(
    ran: dict[tuple[str, str], dict[str, Any]], rows: Any, model: Path, method: str
) -> None:
    found = ran["advantages", method]
    facts, segments = as_trained(found, rows, model)
    extra = {"reward": {"type": "length_penalty", "beta": 0.0001}} if method == "length_penalty" else {}
    config = settings_of({"adv_estimator": method, "hipo_data": {"method": extra}}).method
    groups = torch.arange(len(found["ids"])) % 2
    rewards = rewards_of(config.reward, facts, groups)
    if method != "autothink":  # its first stage looks at the whole batch, which a reward worker does not see
        assert found["rewards"] == near(rewards.tolist(), abs=1e-6)
    expected = token_advantages(config, values_of(config, rewards, groups, facts, progress=0.25), segments)
    assert expected.abs().max() > 0.1 if method != "thinkless" else expected.abs().max() > 0
    assert torch.tensor(found["direct"]["advantages"]).numpy() == near(expected.numpy(), abs=1e-6)
    for row, wanted, ids in zip(found["advantages"][:-1], expected, found["ids"], strict=True):
        assert row == near(wanted[: len(ids)].tolist(), abs=1e-6)
    assert found["advantages"][-1] == [0.0]  # what verl padded the batch with


def test_hipos_advantages_are_those_of_the_plain_python_reference(
    ran: dict[tuple[str, str], dict[str, Any]], rows: Any, model: Path
) -> None:
    found = ran["advantages", "hipo"]
    facts, segments = as_trained(found, rows, model)
    assert facts.known.all() and set(facts.modes.tolist()) == {0, 1, 2}
    batch = Batch(
        torch.tensor(found["rewards"]), facts.correct, facts.lengths, torch.arange(len(found["ids"])) % 2, facts.modes,
        facts.known, segments,
    )  # fmt: skip
    judge, answer = reference.hipo(batch, omega=0.01, gamma=0.3, judge_norm="mode")
    for i, codes in enumerate(segments.tolist()):
        parts = {
            Segment.JUDGE: judge[i],
            Segment.MODE: judge[i],
            Segment.REASONING: answer[i],
            Segment.ANSWER: answer[i],
        }
        wanted = [parts[Segment(code)] for code in codes if code]
        assert found["advantages"][i] == near(wanted, abs=1e-6)


def test_an_estimator_without_reports_says_what_to_set(ran: dict[tuple[str, str], dict[str, Any]]) -> None:
    for method in METHODS:
        assert "trainer.v1.trainer_mode=hipo_data_sync" in ran["advantages", method]["direct"]["alone"]


def test_rollouts_are_graded_and_logged(ran: dict[tuple[str, str], dict[str, Any]]) -> None:
    found = ran["advantages", "hipo"]
    infos = found["infos"][::2]
    assert [info["acc"] for info in infos] == [1, 1, 0, 1, 1, 0, 0, 1]
    assert [info["truncated"] for info in infos] == [0, 0, 0, 0, 0, 0, 1, 0]
    assert [info["think_on"] for info in infos] == [1, 1, 1, 0, 0, 0, infos[6]["think_on"], 0]
    assert found["rewards"][::2] == near([1.2, 1.2, 0.2, 1.2, 1.2, 0.2, 0.0, 1.0])
    metrics = found["metrics"]
    assert metrics["hipo_data/all/both_modes"] == 1 and metrics["hipo_data/all/accuracy_off"] == near(2 / 3)


def test_an_answer_behind_the_prompt_of_think_off_is_well_formed(ran: dict[tuple[str, str], dict[str, Any]]) -> None:
    info = ran["switched", ""]["info"]
    assert (info["acc"], info["well_formed"], info["think_on"]) == (1, 1, 0)


def test_adaptthinks_coin_stands_in_the_place_of_the_tags_probability(
    ran: dict[tuple[str, str], dict[str, Any]], rows: Any, model: Path
) -> None:
    found = ran["advantages", "adaptthink"]
    _, segments = as_trained(found, rows, model)
    for logs, codes in zip(found["old_log_probs"][:-1], segments.tolist(), strict=True):
        for value, code in zip(logs, codes, strict=False):
            assert value == near(-0.6931472 if code == Segment.MODE else -0.5)


def test_verls_loader_finds_the_reward_function(ran: dict[tuple[str, str], dict[str, Any]]) -> None:
    right, wrong = ran["reward", ""]["graded"]
    assert right == {"score": near(1.2), "acc": 1, "unknown": 0, "well_formed": 1, "think_on": 0}
    assert wrong["score"] == near(0.2) and wrong["acc"] == 0


@pytest.mark.parametrize("method", METHODS)
def test_verl_accepts_what_the_script_starts(ran: dict[tuple[str, str], dict[str, Any]], method: str) -> None:
    found = ran["config", method]
    assert found["trainer"] == "ModeTrainerSync" and found["estimator"] == "hipo_data.trainer.verl.estimators"
    assert found["plugin"] == "hipo_data.trainer.verl.plugin"  # in every process that verl starts
    assert found["actor"] == "seq-mean-token-mean"


@pytest.mark.parametrize("method", ["hgpo", "adaptthink", "adapt"])
def test_half_of_a_group_is_forced_into_each_mode(
    ran: dict[tuple[str, str], dict[str, Any]], model: Path, method: str
) -> None:
    found = ran["forced", method]
    tokenizer = load_tokenizer(str(model), "model", HIPO)
    ids = {tag: tokenizer.convert_tokens_to_ids(tag) for tag in ("<think_on>", "<think_off>")}
    # In HiPO's format the model writes the justification, and goes on behind the wanted tag in place of the other's.
    assert found["stops"] == [[ids["<think_off>"]], None, [ids["<think_on>"]], None, None]
    begun = "<|im_start|>assistant\n<judge>\n"
    first, on, second, off, free = found["prompts"]
    assert all(prompt.endswith(begun) for prompt in (first, second, free))
    assert on.endswith("<think_on>\n<think>") and off.endswith("<think_off>\n<answer>")
    forced = found["lengths"][0] - 5
    assert forced >= 3 and found["logprobs"][0] == [-1.0, -2.0, *([0.0] * forced), -1.0, -2.0, -3.0]
    assert found["lengths"][2] == 3
    assert ["<think_off>" in text for text in found["responses"]] == [False, True, False]
    assert ["<think_on>" in text for text in found["responses"]] == [True, False, False]


def test_a_forced_tag_is_a_part_of_the_response(ran: dict[tuple[str, str], dict[str, Any]]) -> None:
    found = ran["forced", PREFIXED]
    tags = ["<think>", "<short>", ""]
    for tag, asked, prompt, text in zip(tags, found["prompts"], found["prompt_texts"], found["responses"], strict=True):
        assert text.startswith(tag) and asked == prompt + tag
    assert found["stops"] == [None] * 3
    assert found["logprobs"][1][-3:] == [-1.0, -2.0, -3.0] and set(found["logprobs"][1][:-3]) == {0.0}
    assert [len(row) for row in found["logprobs"]] == found["lengths"]


def test_the_plug_in_asks_for_no_more_than_the_script_installs(ran: dict[tuple[str, str], dict[str, Any]]) -> None:
    beyond_verls = {"altair", "datatrove", "evalplus", "polars", "polars_hash", "rensa", "trl", "typer", "vl_convert"}
    assert beyond_verls & set(ran["modules", ""]["loaded"]) <= {"polars", "polars_hash", "typer"}  # typer: verl's hub


def test_the_script_says_what_is_missing(model: Path, data: Path, tmp_path: Path) -> None:
    assert "there is no METHOD ppo" in launch("ppo", model, data, tmp_path).stderr
    done = launch("hipo", model, tmp_path, tmp_path)
    assert done.returncode == 2 and "hipo-data export --to verl-rl" in done.stderr
