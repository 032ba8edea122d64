"""Whole runs with a mix: what is published in which phase, what is set aside, and what is said of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from hipo_data.pipeline.ship.export import export
from hipo_data.pipeline.ship.published import published
from hipo_data.pipeline.store.files import file_digest
from hipo_data.schemas.errors import UserError
from tests.support.commands import fail, succeed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cluster")]

PAIRS = ["--set", "select.policy=thinkless", "--set", "publish.format=thinkless"]


@pytest.fixture(scope="module")
def folder(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and a copy of a run, of which 21 problems have a right response."""
    made = tmp_path_factory.mktemp("mixed")
    shutil.copytree(finished_run / "run", made / "run")
    shutil.copy(finished_run / "recipe.yaml", made)
    return made


def run(folder: Path, *sets: str) -> str:
    return succeed("run", "-c", "recipe.yaml", "--run-dir", "run", *PAIRS, *sets, cwd=folder)


def digests(folder: Path) -> dict[str, str]:
    files = (folder / "run/dataset").rglob("*.parquet")
    return {str(path.relative_to(folder)): file_digest(path) for path in files}


def train(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(str(folder / "run/dataset/sft/train-*.parquet"))


def test_pairs_are_mixed_in_phases_and_what_is_set_aside_is_in_quarantine(folder: Path, tmp_path: Path) -> None:
    run(folder)
    whole, before = digests(folder), train(folder)
    assert before.height == 2 * before["problem_id"].n_unique() and "phase" not in before.columns

    planned = succeed("plan", "-c", "recipe.yaml", "--run-dir", "run", *PAIRS, "--set", "publish.mix={}", cwd=folder)
    out = run(folder, "--set", "publish.mix={}")
    said = next(line for line in out.splitlines() if line.startswith("mix")).removeprefix("mix").strip()
    assert f"Mix: {said}." in planned
    count = before.height // 2
    think = round(0.56 * count)
    assert said.startswith(
        f"of {count} training rows that think and {count} that do not, {think} and {count - think} stay"
    )

    rows = train(folder)
    assert rows["problem_id"].n_unique() == rows.height == count
    assert (rows["mode"] == "think_on").sum() == think
    assert rows["phase"].to_list() == sorted(rows["phase"].to_list())
    assert set(rows.filter(pl.col("phase") == 1)["mode"]) == {"think_on"}

    aside = pl.read_parquet(folder / "run/publish/all.rejected.parquet")
    assert set(aside["stage"]) == {"publish"} and set(aside["reason"]) == {"mix_pair"}
    manifest = json.loads((folder / "run/publish/all.json").read_text())
    assert manifest["rows_in"] == manifest["rows_out"] + aside.height
    assert f"publish: mix_pair {aside.height}" in out
    assert "mix_pair" in succeed("show", "run", "--stage", "rejected", cwd=folder)
    succeed("validate", "run", cwd=folder)
    card = (folder / "run/dataset/README.md").read_text()
    assert said in card and "sft-phase-1 | train |" in card
    assert "&id" not in card  # anchors of YAML, which not every reader of cards knows
    assert said in (folder / "run/report.html").read_text()

    datasets = pytest.importorskip("datasets")
    for phase in (1, 2):
        loaded = datasets.load_dataset(
            str(folder / "run/dataset"), f"sft-phase-{phase}", cache_dir=str(tmp_path / "cache"), split="train"
        )
        assert set(loaded["phase"]) == {phase} and loaded.num_rows == (rows["phase"] == phase).sum()
        exported = export(published(str(folder / "run")), "trl", tmp_path / f"trl-{phase}", phase=phase)
        assert exported.rows["train.parquet"] == loaded.num_rows
        assert exported.rows["validation.parquet"] > 0

    run(folder)
    assert digests(folder) == whole
    assert "rejected" not in json.loads((folder / "run/publish/all.json").read_text())["outputs"]


@pytest.mark.long
def test_rows_over_the_share_are_set_aside_and_whatif_says_how_many_would_be(folder: Path) -> None:
    sets = ["--set", "select.policy=hipo", "--set", "publish.format=hipo", "--set", "publish.rows_per_file=3"]
    mix = ["--set", "publish.mix={think: 0.4, phases: 2, keep: short}"]
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", *sets, cwd=folder)
    before = train(folder)
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", *sets, *mix, cwd=folder)
    rows, off = train(folder), before.filter(pl.col("mode") == "think_off").height
    assert (rows["mode"] == "think_off").sum() == off
    assert rows.height - off == int(off * 0.4 / 0.6 + 0.5) < before.height - off
    assert f"publish: mix_share {before.height - rows.height}" in out
    is_kept = pl.col("problem_id").is_in(rows["problem_id"].to_list())
    thinking = before.filter(pl.col("mode") == "think_on")
    kept, others = (thinking.filter(each)["completion_tokens"].to_list() for each in (is_kept, ~is_kept))
    assert max(kept) <= min(others)
    head = yaml.safe_load((folder / "run/dataset/README.md").read_text().split("---")[1])
    files: dict[str, Any] = {each["config_name"]: each["data_files"][0]["path"] for each in head["configs"]}
    assert len(files["sft-phase-2"]) > 1 and not set(files["sft-phase-1"]) & set(files["sft-phase-2"])
    succeed("validate", "run", cwd=folder)
    answer = json.loads(succeed("whatif", "run", "--delta", "0.15,0.9", "--json", cwd=folder))
    for row in answer["rows"]:
        assert row["mixed"]["other"] <= row["modes"]["think_off"]
        assert row["mixed"]["think"] <= row["modes"]["think_on"]
    assert "mixed" in succeed("whatif", "run", "--delta", "0.15", cwd=folder)


@pytest.mark.long
def test_a_share_that_the_rows_cannot_give_ends_the_run_in_one_sentence_and_keeps_the_rest(folder: Path) -> None:
    whole = ["--set", "select.policy=shortest", "--set", "publish.format=hipo"]
    given = ["run", "-c", "recipe.yaml", "--run-dir", "run", *whole]
    succeed(*given, cwd=folder)
    before = digests(folder)
    never = ["--set", "sample.n_on=0", "--set", "publish.mix={}"]
    said = fail(*given, *never, cwd=folder, code=4)
    assert (
        "publish.mix.think asks that 56.0 % of the rows think, but of the rows of the train split 0 think and" in said
    )
    assert digests(folder) == before


def test_a_phase_that_is_not_there_is_not_exported(finished_run: Path, tmp_path: Path) -> None:
    dataset = published(str(finished_run / "run"))
    with pytest.raises(UserError, match=r"has no phases; publish with publish\.mix"):
        export(dataset, "trl", tmp_path / "out", phase=1)
    with pytest.raises(UserError, match=r"--phase is for rows of sft/, which an export for verl-rl is not made from"):
        export(dataset, "verl-rl", tmp_path / "out", phase=1)
