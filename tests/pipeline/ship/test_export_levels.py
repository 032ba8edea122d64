"""Exports of a dataset with arms: each row tells its level, where the library that reads it looks for it."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from hipo_data.pipeline.ship.export import export
from hipo_data.pipeline.ship.published import Published, published
from hipo_data.schemas.errors import UserError
from tests.conftest import ROOT
from tests.support.published import make_published

TEACHER = str(ROOT / "models" / "tiny-hybrid")
LEVEL_TEMPLATE = """
{%- for message in messages %}<|im_start|>{{ message.role }}\n
{%- if message.role == 'user' and reasoning_effort is defined %}[{{ reasoning_effort }}] {% endif %}
{{- message.content }}<|im_end|>\n{% endfor %}"""


def with_arms(part: str, split: str, rows: list[dict[str, Any]]) -> None:
    """Responses that think are those of two arms."""
    for number, row in enumerate(rows):
        if part == "sft" and row["mode"] == "think_on":
            row["mode"] = ["short", "think_on"][number // 2 % 2]
        if part == "rl":
            row["extra_info"]["mode"] = ["short", "think_on", None, "think_off"][number % 4]


@pytest.fixture
def dataset(tmp_path: Path) -> Published:
    return published(str(make_published(tmp_path / "data", spoil=with_arms)))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def loaded(path: Path, cache: Path) -> list[dict[str, Any]]:
    datasets = pytest.importorskip("datasets")
    return list(datasets.load_dataset("parquet", data_files=str(path), cache_dir=str(cache))["train"])


@pytest.mark.parametrize("to", ["messages", "ms-swift", "openrlhf", "axolotl"])
def test_a_system_turn_tells_the_level_to_any_trainer(tmp_path: Path, dataset: Published, to: str) -> None:
    export(dataset, to, tmp_path / "out")
    rows = lines(tmp_path / "out/train.jsonl")
    levels = {"think_off": "none", "short": "short", "think_on": "think_on"}
    assert {row["mode"] for row in rows} == set(levels)
    for row in rows:
        first = row["messages"][0]
        assert (first["role"], first["content"]) == ("system", f"Reasoning effort: {levels[row['mode']]}")
        assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]


def test_llama_factory_has_the_level_as_its_system_turn(tmp_path: Path, dataset: Published) -> None:
    export(dataset, "llama-factory", tmp_path / "out", named={"short": "low", "think_on": "high"})
    said = {row["conversations"][0]["value"] for row in lines(tmp_path / "out/train.jsonl")}
    assert said == {"Reasoning effort: none", "Reasoning effort: low", "Reasoning effort: high"}
    assert {row["conversations"][0]["from"] for row in lines(tmp_path / "out/train.jsonl")} == {"system"}


@pytest.mark.parametrize("to", ["trl", "trl-prompt-completion"])
def test_trl_hands_the_level_of_a_row_to_the_chat_template(tmp_path: Path, dataset: Published, to: str) -> None:
    data_utils = pytest.importorskip("trl.data_utils")
    named = {"short": "low", "think_on": "high"}
    export(dataset, to, tmp_path / "out", level="kwargs", named=named)
    tokenizer = AutoTokenizer.from_pretrained(TEACHER)
    tokenizer.chat_template = LEVEL_TEMPLATE
    rows = loaded(tmp_path / "out/train.parquet", tmp_path / "cache")
    assert {row["mode"] for row in rows} == {"think_off", "short", "think_on"}
    for row in rows:
        text = "".join(str(part) for part in data_utils.apply_chat_template(row, tokenizer).values())
        assert f"[{named.get(row['mode'], 'none')}] " in text


def test_levels_as_arguments_stand_beside_the_switch_of_the_format(tmp_path: Path) -> None:
    made = published(str(make_published(tmp_path / "data", "qwen3", spoil=with_arms)))
    export(made, "messages", tmp_path / "out", level="kwargs")
    asked = {row["mode"]: row["chat_template_kwargs"] for row in lines(tmp_path / "out/train.jsonl")}
    assert asked == {
        "think_off": {"reasoning_effort": "none", "enable_thinking": False},
        "short": {"reasoning_effort": "short", "enable_thinking": True},
        "think_on": {"reasoning_effort": "think_on", "enable_thinking": True},
    }


def test_a_dataset_of_two_modes_is_exported_as_ever(tmp_path: Path) -> None:
    made = published(str(make_published(tmp_path / "data")))
    export(made, "messages", tmp_path / "out")
    assert all(set(row) == {"problem_id", "mode", "messages"} for row in lines(tmp_path / "out/train.jsonl"))
    assert {row["messages"][0]["role"] for row in lines(tmp_path / "out/train.jsonl")} == {"user"}


def test_what_tells_no_level_is_refused(tmp_path: Path, dataset: Published) -> None:
    with pytest.raises(UserError, match="an export for verl-sft has no chat_template_kwargs in its rows; use --level"):
        export(dataset, "verl-sft", tmp_path / "out", level="kwargs")
    with pytest.raises(UserError, match="--levels: 'middle' is no arm of this dataset; it has short, think_off"):
        export(dataset, "messages", tmp_path / "out", named={"middle": "low"})
    with pytest.raises(UserError, match="--levels: two arms have the level 'low'"):
        export(dataset, "messages", tmp_path / "out", named={"short": "low", "think_on": "low"})
    assert not (tmp_path / "out").exists()


def level_of(row: dict[str, Any]) -> str | None:
    """What a system turn at the start of its prompt says."""
    first = row.get("prompt", row.get("messages"))[0]
    return first["content"].removeprefix("Reasoning effort: ") if first["role"] == "system" else None


@pytest.mark.parametrize("to", ["trl-rl", "verl-rl", "openrlhf-rl", "ms-swift-rl"])
def test_a_prompt_says_the_level_of_the_arm_that_its_problem_keeps(tmp_path: Path, dataset: Published, to: str) -> None:
    named = {"short": "low", "think_on": "high"}
    export(dataset, to, tmp_path / "out", named=named)
    parquet = to in ("trl-rl", "verl-rl")
    file = tmp_path / "out" / f"train.{'parquet' if parquet else 'jsonl'}"
    rows = loaded(file, tmp_path / "cache") if parquet else lines(file)
    levels = [level_of(row) for row in rows]
    assert {*levels} == {"none", "low", "high", None}
    for row, level in zip(rows, levels, strict=True):
        if to == "verl-rl":
            arm = row["extra_info"]["mode"]
            assert level == (None if arm is None else named.get(arm, "none")) == row["extra_info"]["reasoning_effort"]
        elif to == "ms-swift-rl":
            assert row["chat_template_kwargs"] is None
        else:
            assert row["reasoning_effort"] == level


def test_ms_swift_takes_the_level_of_a_prompt_as_an_argument(tmp_path: Path, dataset: Published) -> None:
    export(dataset, "ms-swift-rl", tmp_path / "out", level="kwargs")
    rows = lines(tmp_path / "out/train.jsonl")
    assert all([turn["role"] for turn in row["messages"]] == ["user"] for row in rows)
    told = {json.dumps(row["chat_template_kwargs"]) for row in rows}
    assert told == {json.dumps({"reasoning_effort": level}) for level in ("short", "think_on", "none")} | {"null"}
    with pytest.raises(UserError, match="an export for trl-rl has no chat_template_kwargs in its rows"):
        export(dataset, "trl-rl", tmp_path / "other", level="kwargs")


def test_prompts_of_two_modes_are_exported_as_ever(tmp_path: Path) -> None:
    made = published(str(make_published(tmp_path / "data")))
    for to in ("openrlhf-rl", "ms-swift-rl"):
        export(made, to, tmp_path / to)
        rows = lines(tmp_path / to / "train.jsonl")
        assert {level_of(row) for row in rows} == {None}
        assert not {"reasoning_effort", "chat_template_kwargs"} & {name for row in rows for name in row}
