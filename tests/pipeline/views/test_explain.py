"""`hipo-data explain`: one problem's story, from its source rows to its row in the dataset, or why there is none."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from hipo_data.pipeline.store.files import file_digest
from hipo_data.pipeline.store.manifest import Manifest, Output, write_manifest
from hipo_data.pipeline.views.explain import Story, explain
from hipo_data.pipeline.views.printing.explain import print_story
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.keys import problem_id
from tests.support.made_up_run import make_run, replace_table


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run of 60 problems in two shards, published in two files."""
    make_run(tmp_path, 60, n=4, bits=1)
    examples = table(tmp_path, "justify", "problem_id")
    outputs = {}
    for number, part in enumerate(examples.iter_slices(30)):
        for kind, rows in (("sft", part), ("rl", part.select(extra_info=pl.struct("problem_id")))):
            name = f"dataset/{kind}/train-{number}.parquet"
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            rows.write_parquet(tmp_path / name)
            size, sha256 = (tmp_path / name).stat().st_size, file_digest(tmp_path / name)
            outputs[name] = Output(path=name, rows=part.height, bytes=size, sha256=sha256)
    (tmp_path / "publish").mkdir()
    manifest = Manifest(node="publish/all", parts={}, outputs=outputs, rows_in=0, rows_out=0, rows_rejected=0)
    write_manifest(tmp_path / "publish/all.json", manifest)
    return tmp_path


def table(run_dir: Path, folder: str, *columns: str) -> pl.DataFrame:
    return pl.concat(
        [pl.read_parquet(path).select(columns) for path in sorted((run_dir / folder).glob("0?-????.parquet"))]
    )


def told(story: Story, width: int = 120) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        print_story(console, story, as_json=False)
    return capture.get()


def one_of(run_dir: Path, condition: pl.Expr) -> dict[str, Any]:
    columns = ("problem_id", "mode", "index", "rule", "drop_reason", "right_on", "n_on")
    return table(run_dir, "select", *columns).filter(condition).row(-1, named=True)


def test_a_kept_problem_is_told_from_source_to_dataset(run_dir: Path) -> None:
    decision = one_of(run_dir, pl.col("rule") == "margin")
    story = explain(open_run(run_dir), decision["problem_id"][:14])
    assert story.problem is not None
    assert story.decision is not None
    assert story.problem["problem_id"] == decision["problem_id"]
    assert [(row["mode"], row["index"]) for row in story.rollouts] == [
        (mode, index) for mode in ("think_on", "think_off") for index in range(4)
    ]
    assert (
        sum(row["mode"] == "think_on" and row["status"] == "correct" for row in story.rollouts) == decision["right_on"]
    )
    assert 0 < story.decision["flip"] < 1
    assert 0 < story.decision["wrong"] < 1
    assert (story.decision["stopped"], story.decision["weak_prior"]) == (False, False)
    assert len(story.attempts) == len(story.examples) == 1
    (place,) = story.published["sft"]
    rows = pl.read_parquet(run_dir / place["file"])
    assert rows["problem_id"][place["row"]] == decision["problem_id"]
    assert story.published["rl"][0]["row"] == place["row"]
    assert story.remarks == []
    said = told(story)
    source = story.problem["sources"][0]
    for part in (
        f"{source['dataset']} {source['file']}:{source['row']}",
        story.problem["question"],
        story.decision["words"][:40],
        f"repetition of the choice with as many fresh rollouts {1 - story.decision['flip']:.2f}",
        f"probability of a wrong mode {story.decision['wrong']:.2f}",
        "◀ kept",
        "[accepted]",
        f"{place['file']}, row {place['row']}",
    ):
        assert part in said or part in " ".join(said.split())
    kept = next(line for line in said.splitlines() if "◀ kept" in line)
    assert kept.startswith(f"think-on {decision['index']} ")
    assert said.count("◀ kept") == 1


def test_a_dropped_problem_says_why(run_dir: Path) -> None:
    decision = one_of(run_dir, pl.col("drop_reason") == "no_right_response")
    story = explain(open_run(run_dir), decision["problem_id"])
    assert (story.examples, story.attempts, story.remarks) == ([], [], [])
    assert "no response is right → dropped (no_right_response)" in " ".join(told(story).split())
    assert "◀ kept" not in told(story)


def test_a_source_row_leads_to_its_problem_or_to_its_refusal(run_dir: Path) -> None:
    files = open_run(run_dir)
    story = explain(files, "rows.jsonl:7")
    assert story.problem is not None
    assert story.problem["sources"][0]["row"] == 7
    path = run_dir / "ingest/all.rejected.parquet"
    rejected = pl.read_parquet(path).with_columns(key=pl.lit("rows.jsonl:99"))
    replace_table(run_dir, path, rejected)
    refused = explain(open_run(run_dir), "rows.jsonl:99")
    assert refused.problem is None
    assert "rows.jsonl:99 in ingest: bad_column. column 'problem' must be text" in told(refused)
    assert "Ingest refused it" in told(refused)


def test_a_near_duplicate_is_found_by_the_id_of_its_question_and_told_beside_the_one_that_stayed(run_dir: Path) -> None:
    question, kept = "How many primes are below 30?", table(run_dir, "ingest", "problem_id")["problem_id"][0]
    path = run_dir / "ingest/all.rejected.parquet"
    near = pl.col("reason") == "near_duplicate"
    rows = pl.read_parquet(path).with_columns(
        row=pl.when(near).then(pl.lit(question)).otherwise("row"),
        detail=pl.when(near).then(pl.lit(f"93% of its word sequences are those of problem {kept}")).otherwise("detail"),
    )
    replace_table(run_dir, path, rows)
    files = open_run(run_dir)
    gone = explain(files, problem_id(question)[:8])
    assert [row["reason"] for row in gone.rejected] == ["near_duplicate"]
    assert kept in told(gone)
    stayed = explain(files, kept)
    assert [row["row"] for row in stayed.near_duplicates] == [question]
    assert "gave way" in told(stayed)
    assert stayed.rejected == []


def test_a_problem_without_a_justification_shows_its_refusal(run_dir: Path) -> None:
    decision = one_of(run_dir, pl.col("rule") == "margin")
    key = decision["problem_id"]
    path = run_dir / "ingest/all.rejected.parquet"
    rows = pl.read_parquet(path).head(1).with_columns(
        stage=pl.lit("justify"), reason=pl.lit("no_justification"), detail=pl.lit("4 attempts"), key=pl.lit(key),
        row=pl.lit("[leaks_answer] It is 42."),
    )  # fmt: skip
    replace_table(run_dir, path, rows)
    story = explain(open_run(run_dir), key)
    assert [row["reason"] for row in story.rejected] == ["no_justification"]
    assert "[leaks_answer] It is 42." in told(story)


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        (["sample.think_on", "sample.think_off", "select"], "It has no rollouts yet"),
        (["select"], "It is not decided yet"),
        (["justify"], "Its justification is not written yet"),
        (["publish"], "It is not in dataset/ yet"),
    ],
)
def test_a_run_under_way_says_how_far_the_problem_is(run_dir: Path, gone: list[str], sentence: str) -> None:
    key = one_of(run_dir, pl.col("rule") == "margin")["problem_id"]
    for folder in gone:
        for path in (run_dir / folder).glob("*.json"):
            path.unlink()
    if "publish" in gone:
        shutil.rmtree(run_dir / "dataset")
    assert sentence in told(explain(open_run(run_dir), key))


def test_a_start_of_several_ids_names_them(run_dir: Path) -> None:
    with pytest.raises(UserError, match=r"'' means 60 problems of .*: [0-9a-f]{32}, .*, …; give more of the id"):
        explain(open_run(run_dir), "")


def test_an_unknown_problem_gets_the_accounts_of_ingest(run_dir: Path) -> None:
    with pytest.raises(
        UserError, match=r"ingest read 62 rows, refused 2 \(bad_column 1, near_duplicate 1\) and left out 0"
    ):
        explain(open_run(run_dir), "zzz")


def test_many_rollouts_fit_one_screen_and_the_kept_one_is_shown(tmp_path: Path) -> None:
    make_run(tmp_path, 30, n=40, bits=0)
    decision = (
        table(tmp_path, "select", "problem_id", "mode", "index", "n_on").filter(pl.col("index") > 8).row(0, named=True)
    )
    said = told(explain(open_run(tmp_path), decision["problem_id"]))
    assert len(said.splitlines()) < 60
    assert "more: " in said
    kept = next(line for line in said.splitlines() if "◀ kept" in line)
    assert kept.split()[1] == str(decision["index"])


def test_other_responses_that_a_policy_keeps_are_marked(tmp_path: Path) -> None:
    make_run(tmp_path, 30, n=4, bits=0, select={"policy": "all-correct"})
    picks = pl.read_parquet(tmp_path / "select/00-0000.picks.parquet")
    key, count = picks["problem_id"].value_counts().sort("count", descending=True).row(0)
    said = told(explain(open_run(tmp_path), key))
    assert said.count("◁ example") == count - 1 > 0
    assert said.count("◀ kept") == 1


def test_json_holds_every_text(run_dir: Path) -> None:
    story = explain(open_run(run_dir), one_of(run_dir, pl.col("rule") == "margin")["problem_id"])
    console = Console(width=60)
    with console.capture() as capture:
        print_story(console, story, as_json=True)
    assert json.loads(capture.get()) == story.as_json()
