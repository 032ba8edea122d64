"""Models and datasets small enough to train in a test."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.gold import MathGold, gold_to_json
from hipo_data.schemas.records import Mode

TEACHER = Path(__file__).parents[2] / "models" / "tiny-hybrid"
JUDGE = "This is a sum of two numbers, and one look at it is enough."


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """The teacher's tokenizer; it has `<think>` and `</think>` as tokens, and no other tag."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(TEACHER))


def response(i: int, mode: Mode) -> HybridResponse:
    total = str(12 + 3 * i)
    reasoning = f"12+{3 * i}={total}" if mode is Mode.THINK_ON else None
    return HybridResponse(mode, JUDGE, reasoning, f"\\boxed{{{total}}}")


def published(
    folder: Path, rows: int = 24, style: str = "hipo", validation: int = 0, p_on: float | None = 0.75
) -> Path:
    """A dataset as publish writes it: sums, every other one with thinking."""
    for kind, make in (("sft", _sft_row), ("rl", _rl_row)):
        (folder / kind).mkdir(parents=True)
        for split, count in (("train", rows), ("validation", validation)):
            if count:
                table = pa.Table.from_pylist([make(i, split, style, p_on) for i in range(count)])
                pq.write_table(table, folder / kind / f"{split}-00000-of-00001.parquet")
    return folder


def question(i: int) -> str:
    return f"What is 12 + {3 * i}?"


def _sft_row(i: int, split: str, style: str, p_on: float | None) -> dict[str, Any]:
    said = FORMATS[style].render(response(i, Mode.THINK_ON if i % 2 else Mode.THINK_OFF))
    messages = [{"role": "user", "content": question(i)}, {"role": "assistant", "content": said}]
    return {"problem_id": f"p{i}", "messages": messages, "format": style, "split": split}


def _rl_row(i: int, split: str, style: str, p_on: float | None) -> dict[str, Any]:
    extra = {"index": i, "split": split, "problem_id": f"p{i}", "p_on": p_on, "p_off": 0.5, "mode": "think_on"}
    return {
        "data_source": "sums" if i % 2 else "more-sums",
        "prompt": [{"role": "user", "content": question(i)}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": gold_to_json(MathGold(answers=[str(12 + 3 * i)]))},
        "extra_info": extra,
    }


def sft_recipe(folder: Path, **changes: Any) -> Path:
    """A recipe of seconds over `folder`/data."""
    recipe = {
        "dataset": str(folder / "data"),
        "output": str(folder / "out"),
        "model": {"path": str(TEACHER), "split_tags": "add"},
        "optimiser": {"learning_rate": 1e-3},
        "batch": 8,
        "micro_batch": 4,
        "max_length": 256,
        "precision": "float32",
        "device": "cpu",
        "threads": 1,
        **changes,
    }
    return _written(folder / "sft.yaml", recipe)


def rl_recipe(folder: Path, **changes: Any) -> Path:
    """A recipe of seconds over `folder`/data, in a format that the teacher can follow without a cold start."""
    recipe = {
        "dataset": str(folder / "data"),
        "output": str(folder / "out"),
        "model": {"path": str(TEACHER)},
        "format": "adaptthink",
        "algorithm": {"type": "grpo"},
        "steps": 2,
        "prompts": 4,
        "micro_batch": 8,
        "rollouts": {"group": 4, "max_tokens": 48},
        "optimiser": {"learning_rate": 1e-4, "schedule": "constant"},
        "precision": "float32",
        "device": "cpu",
        "threads": 1,
        **changes,
    }
    return _written(folder / "rl.yaml", recipe)


def training_figures(folder: Path) -> list[list[float]]:
    """Loss and norm of the gradient of each update; weights would not do, as Adam's first steps are of one size however
    small a gradient is."""
    lines = [json.loads(line) for line in (folder / "out" / "log.jsonl").read_text().splitlines()]
    return [[line["loss"], line["grad_norm"]] for line in lines if "loss" in line]


def trained_alike(one: Path, other: Path) -> None:
    """Fails where two trainings, which learned something, differ by more than rounding."""
    ours, theirs = training_figures(one), training_figures(other)
    assert len(ours) == len(theirs) > 1 and any(norm > 0 for _, norm in ours)
    for mine, its in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(its, abs=1e-5, rel=1e-4)


def _written(path: Path, recipe: dict[str, Any]) -> Path:
    path.write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
    return path
