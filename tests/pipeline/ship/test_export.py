"""Exports of a published folder: files, what `datasets` reads from them, and what is refused."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from hipo_data.pipeline.cli import app
from hipo_data.pipeline.ship.export import export
from hipo_data.pipeline.ship.published import published
from hipo_data.schemas.errors import UserError
from tests.conftest import ROOT
from tests.support.published import make_published

TEACHER = str(ROOT / "models" / "tiny-hybrid")
COLUMNS = {
    "messages": {"problem_id", "mode", "messages"},
    "trl": {"problem_id", "mode", "messages"},
    "trl-prompt-completion": {"problem_id", "mode", "prompt", "completion"},
    "trl-preference": {"problem_id", "kind", "prompt", "chosen", "rejected", "margin"},
    "trl-rl": {"problem_id", "source_id", "prompt", "solution"},
    "openrlhf-rl": {"problem_id", "source_id", "prompt", "label", "ability"},
    "verl-sft": {"problem_id", "mode", "messages", "enable_thinking"},
    "verl-rl": {"data_source", "prompt", "ability", "reward_model", "extra_info"},
    "llama-factory": {"conversations"},
    "ms-swift": {"problem_id", "mode", "messages"},
    "axolotl": {"problem_id", "mode", "messages"},
    "openrlhf": {"problem_id", "mode", "messages"},
}


def load(path: Path, cache: Path) -> Any:
    datasets = pytest.importorskip("datasets")
    kind = "parquet" if path.suffix == ".parquet" else "json"
    return datasets.load_dataset(kind, data_files=str(path), cache_dir=str(cache))["train"]


@pytest.mark.parametrize("to", COLUMNS)
def test_datasets_loads_every_export_with_plain_types(tmp_path: Path, to: str) -> None:
    dataset = published(str(make_published(tmp_path / "data", preference=True)))
    exported = export(dataset, to, tmp_path / "out", None)
    files = {name: rows for name, rows in exported.rows.items() if "preference" not in name}
    held_out = 1 if to == "trl-rl" else 2  # one is code, which TRL's reward does not grade
    assert {name.partition(".")[0]: rows for name, rows in files.items()} == {"train": 6, "validation": held_out}
    for name, rows in files.items():
        loaded = load(tmp_path / "out" / name, tmp_path / "cache")
        assert loaded.num_rows == rows
        assert set(loaded.column_names) == COLUMNS[to]
        assert "large" not in str(loaded.features).lower()


def test_all_rows_of_all_files_are_exported_in_their_order(tmp_path: Path) -> None:
    dataset = published(str(make_published(tmp_path / "data", count=13)))
    export(dataset, "messages", tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out/train.jsonl").read_text().splitlines()]
    source = [row for path in dataset.of("sft", "train") for piece in dataset.tables(path) for row in piece.to_pylist()]
    assert len(dataset.of("sft", "train")) == 2
    assert rows == [{name: row[name] for name in ("problem_id", "mode", "messages")} for row in source]


def test_llama_factorys_entries_name_the_files_that_are_there(tmp_path: Path) -> None:
    for preference in (False, True):
        out = tmp_path / f"out-{preference}"
        data = make_published(tmp_path / f"data-{preference}", preference=preference)
        export(published(str(data)), "llama-factory", out)
        entries = json.loads((out / "dataset_info.json").read_text())
        assert {entry["file_name"] for entry in entries.values()} == {path.name for path in out.glob("*.jsonl")}
        assert {name: entry.get("ranking", False) for name, entry in entries.items()} == {
            "hipo_train": False,
            "hipo_validation": False,
            **({"hipo_preference_train": True, "hipo_preference_validation": True} if preference else {}),
        }


@pytest.mark.parametrize("split", ["train", "validation"])
def test_configs_of_trainers_name_the_files_that_are_there_and_the_template(tmp_path: Path, split: str) -> None:
    def one_split(_part: str, each: str, rows: list[dict[str, Any]]) -> None:
        if each != split:
            rows.clear()

    dataset = published(str(make_published(tmp_path / "data", spoil=one_split)))
    for to in ("ms-swift", "axolotl"):
        export(dataset, to, tmp_path / to)
    named = str(tmp_path / "ms-swift" / f"{split}.jsonl")
    key = {"train": "dataset", "validation": "val_dataset"}[split]
    assert yaml.safe_load((tmp_path / "ms-swift/ms-swift.yaml").read_text()) == {key: [named], "template": "chatml"}
    config = yaml.safe_load((tmp_path / "axolotl/axolotl.yaml").read_text())
    (entry,) = config[{"train": "datasets", "validation": "test_datasets"}[split]]
    assert Path(entry["path"]) == tmp_path / "axolotl" / f"{split}.jsonl"
    assert Path(entry["path"]).exists()
    assert entry["message_field_training_detail"] == "train_detail"
    assert config["chat_template_jinja"] == (tmp_path / "axolotl/chat_template.jinja").read_text()


@pytest.mark.parametrize("form", ["qwen3", "adaptthink"])
def test_ms_swift_leaves_out_the_empty_reasoning_that_a_prompt_holds_and_no_mode_tag(tmp_path: Path, form: str) -> None:
    export(published(str(make_published(tmp_path / "data", form))), "ms-swift", tmp_path / "out")
    config = yaml.safe_load((tmp_path / "out/ms-swift.yaml").read_text())
    assert config.get("loss_scale") == ("default+ignore_empty_think" if form == "qwen3" else None)


def test_llama_factorys_template_has_to_write_the_prompt_of_think_off(tmp_path: Path) -> None:
    make_published(tmp_path / "data", "qwen3")
    done = CliRunner().invoke(
        app, ["export", str(tmp_path / "data"), "--to", "llama-factory", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    assert "template: qwen3, enable_thinking: null in YAML" in done.output


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("llama-factory", "template: chatml, and leave enable_thinking alone"),
        ("ms-swift", "swift sft {out}/ms-swift.yaml"),
        ("axolotl", "{out}/axolotl.yaml"),
        ("openrlhf", '--data.tokenizer_chat_template "$(cat {out}/chat_template.jinja)"'),
        ("verl-sft", "train with the chat template {out}/chat_template.jinja"),
    ],
)
def test_the_command_says_what_each_trainer_has_to_be_given(tmp_path: Path, to: str, said: str) -> None:
    make_published(tmp_path / "data")
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["export", str(tmp_path / "data"), "--to", to, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert said.format(out=out) in done.output


def test_the_command_says_what_it_wrote_and_how_to_train(tmp_path: Path) -> None:
    make_published(tmp_path / "data")
    done = CliRunner().invoke(app, ["export", str(tmp_path / "data"), "--to", "trl", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert f"{tmp_path}/out/train.parquet: 6 rows" in done.output
    assert f"train with the chat template {tmp_path}/out/chat_template.jinja" in done.output


def test_a_template_that_would_change_a_response_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    dataset = published(str(make_published(tmp_path / "data")))
    with pytest.raises(UserError, match=r"tiny-hybrid opens the response with '<think>.*\(problem [0-9a-f]{32}\)"):
        export(dataset, "trl", tmp_path / "out", TEACHER)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_template_that_changes_nothing_is_accepted(tmp_path: Path) -> None:
    dataset = published(str(make_published(tmp_path / "data", "qwen3")))
    tokenizer = tokenizer_with(tmp_path, "{% for m in messages %}{{ m.role + ':' + m.content }}\n{% endfor %}")
    with pytest.raises(UserError, match=r"puts 'assistant:' before"):  # the generation prompt must open the turn
        export(dataset, "trl", tmp_path / "out", tokenizer)
    export(dataset, "trl", tmp_path / "first")
    (Path(tokenizer) / "chat_template.jinja").write_text((tmp_path / "first/chat_template.jinja").read_text())
    for number, to in enumerate(("trl", "trl-prompt-completion", "verl-sft", "messages")):
        export(dataset, to, tmp_path / str(number), tokenizer)


def tokenizer_with(folder: Path, template: str) -> str:
    """The teacher's tokenizer with another chat template."""
    own = folder / "tokenizer"
    own.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        (own / name).write_bytes((Path(TEACHER) / name).read_bytes())
    (own / "chat_template.jinja").write_text(template)
    return str(own)


@pytest.mark.parametrize(
    ("to", "tokenizer", "said"),
    [
        ("alpaca", None, "there is no export 'alpaca'; choose one of messages, trl"),
        ("trl-preference", None, "has no part 'preference'"),
        ("llama-factory", TEACHER, "--tokenizer has nothing to check"),
        ("trl", "no/such-tokenizer", "the tokenizer 'no/such-tokenizer' cannot be loaded"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(
    tmp_path: Path, to: str, tokenizer: str | None, said: str
) -> None:
    dataset = published(str(make_published(tmp_path / "data")))
    with pytest.raises(UserError, match=said) as raised:
        export(dataset, to, tmp_path / "out", tokenizer)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_in_it_is_left_alone(tmp_path: Path) -> None:
    dataset = published(str(make_published(tmp_path / "data")))
    (tmp_path / "out").mkdir()
    export(dataset, "trl", tmp_path / "out")  # empty: fine
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    with pytest.raises(UserError, match="is not an empty folder"):
        export(dataset, "verl-sft", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before


@pytest.mark.parametrize(
    ("where", "said"), [("nowhere", "there is no run, folder or Hub dataset 'nowhere'"), (".", "holds no published")]
)
def test_a_place_without_a_dataset_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        published(where)


def test_the_reward_function_of_the_docs_grades_an_exported_row(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "exports.md").read_text()
    named = re.search(r"custom_reward_function\.path=pkg://([\w.]+)", page)
    assert named
    compute_score = importlib.import_module(named[1]).compute_score
    export(published(str(make_published(tmp_path / "data"))), "verl-rl", tmp_path / "out")
    rows = [row for row in load(tmp_path / "out/train.parquet", tmp_path / "cache") if row["ability"] == "math"]
    assert rows
    for row in rows:
        truth = row["reward_model"]["ground_truth"]
        found = [
            compute_score(row["data_source"], rf"\boxed{{{answer}}}", truth, row["extra_info"])
            for answer in (truth, f"{truth}1")
        ]
        assert [(score["acc"], score["unknown"]) for score in found] == [(1.0, 0.0), (0.0, 0.0)]
