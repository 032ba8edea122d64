"""What leaves a finished run: it is valid, every library's files can be made from it, and its RL part can be graded."""

import re
from pathlib import Path

import polars as pl
import pytest

from hipo_data.graders import Grader
from hipo_data.pipeline.ship.export import export
from hipo_data.pipeline.ship.published import published, published_folder
from hipo_data.pipeline.ship.validate import validate_dataset
from hipo_data.pipeline.views.run_files import read_statistics
from hipo_data.pipeline.views.summary import summary_figures
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.schemas.gold import MathGold, gold_from_json, gold_in_row
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Kind, Status
from tests.support.commands import fail, succeed

pytestmark = pytest.mark.slow


@pytest.fixture
def finished(finished_run: Path) -> Path:
    """A finished run."""
    return finished_run / "run"


def test_a_finished_run_is_valid_until_a_file_of_it_is_changed(finished: Path) -> None:
    said = succeed("validate", finished, cwd=finished)
    parts = ", ".join(f"{part} train 20, {part} validation 1" for part in ("sft", "rl", "rates"))
    assert said == f"{finished}/dataset holds: {parts} rows\n"
    card = finished / "dataset" / "README.md"
    kept = card.read_bytes()
    card.write_bytes(kept + b"\nBetter than all others.\n")
    (finished / "dataset" / "notes.txt").write_text("mine")
    try:
        assert validate_dataset(published_folder(finished)).failures == [
            "README.md was changed after publish wrote it; remove it and run again to write it anew",
            "notes.txt is not from publish; move it elsewhere",
        ]
        assert "fails validation in 2 places" in fail("validate", finished, cwd=finished, code=1)
    finally:
        card.write_bytes(kept)
        (finished / "dataset" / "notes.txt").unlink()


def test_datasets_loads_the_folder_by_its_card(finished: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for part, columns in (("sft", {"messages", "mode", "problem_id"}), ("rl", {"prompt", "reward_model"})):
        loaded = datasets.load_dataset(str(finished / "dataset"), part, cache_dir=str(tmp_path))
        assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 20, "validation": 1}
        assert columns <= set(loaded["train"].column_names)


@pytest.mark.long
def test_every_view_says_that_lengths_are_characters(finished: Path) -> None:
    """No tokenizer is named for the recorded responses, and none is known."""
    rollouts = pl.read_parquet(str(finished / "sample.think_on/??-????.parquet"))
    assert (rollouts["completion_tokens"] == rollouts["text"].str.len_chars()).all()
    problem = rollouts["problem_id"][0]
    views = {
        "plan": ["-c", finished.parent / "recipe.yaml", "--run-dir", finished],
        "explain": [finished, problem],
        "show": [finished, "--limit", "1"],
        "whatif": [finished],
        "status": [finished],
    }
    said = {name: succeed(name, *given, cwd=finished.parent) for name, given in views.items()}
    said["card"] = (finished / "dataset/README.md").read_text()
    said["report"] = (finished / "report.html").read_text()
    for name, text in said.items():
        assert "characters" in text, name
        rest = text.replace("completion_tokens", "")
        assert not re.search(r"\btokens\b", rest), (name, re.findall(r".*\btokens\b.*", rest))
    stats = read_statistics(finished)
    assert stats.lengths_in == "characters"
    assert f"mean characters of the kept responses | {stats.example_tokens:.1f} " in said["card"]
    figures = summary_figures(stats, Outcome(), finished)
    assert "tokens" not in figures
    assert figures["characters"].startswith("think-on rollouts ")


def test_the_rl_part_can_be_graded(finished: Path) -> None:
    dataset = published(str(finished))
    rows = [row for path in dataset.of("rl", "train") for piece in dataset.tables(path) for row in piece.to_pylist()]
    golds = [gold_from_json(gold_in_row(row["reward_model"]["ground_truth"], row["extra_info"])) for row in rows]
    answers = [gold.answers[0] for gold in golds if isinstance(gold, MathGold)]
    assert len(answers) == len(rows) == 20
    right, wrong = ([rf"\boxed{{{text}}}" for text in texts] for texts in (answers, [f"{a}9" for a in answers]))
    with Grader(GradingConfig(workers=1)) as grader:
        for responses, status in ((right, Status.CORRECT), (wrong, Status.INCORRECT)):
            grades = grader.grade(
                [
                    GradeRequest(id=str(at), kind=Kind(row["ability"]), gold=gold, response=response, question="")
                    for at, (row, gold, response) in enumerate(zip(rows, golds, responses, strict=True))
                ]
            )
            assert {grade.status for grade in grades} == {status}


@pytest.mark.parametrize("to", ["messages", "trl", "trl-prompt-completion", "verl-sft", "verl-rl", "llama-factory"])
def test_every_export_holds_every_row(finished: Path, tmp_path: Path, to: str) -> None:
    exported = export(published(str(finished)), to, tmp_path / "out")
    assert sorted(exported.rows.values()) == [1, 20]
