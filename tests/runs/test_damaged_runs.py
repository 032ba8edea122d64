"""A damaged file of a run is found, named, and made again: never read as if it were whole."""

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from hipo_data.pipeline.views.printing.wholeness import print_wholeness
from hipo_data.pipeline.views.wholeness import look
from tests.support.commands import fail, hipo_data, succeed
from tests.support.damage import Case, cases, rotten, swapped

pytestmark = pytest.mark.slow

RUN = ("run", "-c", "recipe.yaml", "--run-dir", "run")


def dataset(run_dir: Path) -> dict[str, list[dict[str, Any]]]:
    files = sorted((run_dir / "dataset").rglob("*.parquet"))
    return {str(path.relative_to(run_dir)): pq.read_table(path).to_pylist() for path in files}


def restore(run_dir: Path, whole: Path) -> None:
    shutil.rmtree(run_dir)
    shutil.copytree(whole, run_dir)


@pytest.mark.parametrize("share", [0, *(pytest.param(share, marks=pytest.mark.long) for share in (1, 2))])
def test_every_damage_to_every_kind_of_file_is_named_and_nothing_else_is(
    finished_run: Path, tmp_path: Path, share: int
) -> None:
    run_dir = tmp_path / "run"
    shutil.copytree(finished_run / "run", run_dir)
    assert look(run_dir).damaged == []
    every = list(cases())[share::3]
    assert len(every) >= 55
    missed = {}
    for case in every:
        case.apply(run_dir)
        named = {each.path for each in look(run_dir).damaged}
        if case.name not in named or (len(named) > 1 and case.way is not swapped):
            missed[str(case)] = named
        restore(run_dir, finished_run / "run")
    assert missed == {}


def test_the_command_prints_a_line_a_file_and_ends_with_1(finished_run: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    shutil.copytree(finished_run / "run", run_dir)
    out = succeed("verify", run_dir, cwd=tmp_path)
    assert "whole: every file is as it was written" in out
    assert not (run_dir / "damaged").exists()
    (run_dir / "verify.think_on/02-0001.parquet").write_bytes(b"PAR1")
    done = hipo_data("verify", run_dir, cwd=tmp_path)
    assert done.returncode == 1
    assert "DAMAGED  verify.think_on/02-0001.parquet has 4 bytes and not" in done.stdout
    assert "The next run grades the rollouts again." in done.stdout
    assert "1 files of" in done.stderr
    found = look(run_dir)
    printed = StringIO()
    print_wholeness(Console(file=printed, width=40), found, as_json=True)
    said = json.loads(printed.getvalue())
    assert (said["whole"], said["damaged"][0]["path"]) == (False, "verify.think_on/02-0001.parquet")
    for command in (["whatif", run_dir], ["show", run_dir, "--stage", "verify"]):
        assert "verify.think_on/02-0001.parquet has 4 bytes" in fail(*command, cwd=tmp_path, code=1)


@pytest.mark.usefixtures("on_cluster")
def test_damage_all_over_a_run_is_healed_by_the_next_one(copy_of_finished_run: Path) -> None:
    folder = copy_of_finished_run
    run_dir = folder / "run"
    before = dataset(run_dir)
    spent = json.loads((run_dir / "spent.json").read_text())
    for name in ("ingest/02-0001.parquet", "select/02-0002.parquet", "dataset/sft/train-00000-of-00001.parquet"):
        path = run_dir / name
        path.write_bytes(path.read_bytes()[:-5])
    rotten_one = "verify.think_off/02-0002.parquet"  # read by select alone, which has to decide again
    Case(rotten_one, rotten).apply(run_dir)
    (run_dir / "sample.think_on/02-0000.json").write_text("{}")  # its table is known by those who read it
    (run_dir / "run.json").write_bytes(b"")
    (run_dir / "spent.json").write_text('{"prompt_tokens": "many"}')
    assert "run.json is empty" in fail("status", "run", cwd=folder, code=1)
    out = succeed(*RUN, cwd=folder)
    for name in (
        "ingest/02-0001.parquet", "select/02-0002.parquet", rotten_one, "sample.think_on/02-0000.json", "run.json",
        "spent.json", "dataset/sft/train-00000-of-00001.parquet",
    ):  # fmt: skip
        assert f"damaged: {name} " in out
        assert list((run_dir / "damaged" / name).parent.glob(f"{Path(name).name}.*")) != []
    assert "0 sampled" in out
    assert "counted again from the rollouts that are left" in out
    assert dataset(run_dir) == before
    again = json.loads((run_dir / "spent.json").read_text())
    assert (again["characters"], again["recounted"]) == (spent["characters"], True)
    assert look(run_dir).damaged == []
    assert "Nothing to do" in succeed(*RUN, cwd=folder)


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_damaged_runs_are_healed_one_by_one(copy_of_finished_run: Path, finished_run: Path) -> None:
    folder = copy_of_finished_run
    run_dir = folder / "run"
    before = dataset(run_dir)
    every = list(cases())
    for case in every[:: len(every) // 6]:
        case.apply(run_dir)
        named = look(run_dir)
        assert case.name in {each.path for each in named.damaged}, case
        succeed(*RUN, cwd=folder)
        assert dataset(run_dir) == before, case
        left = [each.path for each in look(run_dir).damaged if each.path != "logs/events.jsonl"]
        assert left == [], case
        restore(run_dir, finished_run / "run")
