"""A finished run whose reader flags a problem: the next run leaves it out, and does nothing else again."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from hipo_data.pipeline.viewer.shown_run import ShownRun
from tests.support.commands import fail, succeed

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("on_cluster")]


def published(run: Path, part: str) -> list[str]:
    rows = pl.concat([pl.read_parquet(path) for path in sorted((run / "dataset" / part).glob("*.parquet"))])
    return sorted(rows["problem_id"] if part != "rl" else rows["extra_info"].struct.field("problem_id"))


def test_a_flagged_problem_leaves_the_dataset(copy_of_finished_run: Path) -> None:
    folder = copy_of_finished_run
    before = {part: published(folder / "run", part) for part in ("sft", "rl", "rates")}
    flagged = before["sft"][4]
    again = ["run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "select.exclude=run/flagged.jsonl"]
    assert "select.exclude names run/flagged.jsonl, which is not there" in fail(*again, cwd=folder)
    shown = ShownRun(folder / "run")
    shown.flag(flagged, "the gold is wrong")
    manifests = {path: path.stat().st_mtime_ns for path in (folder / "run").glob("*/??-????.json")}
    out = succeed(*again, cwd=folder)
    assert "24 → 20 examples; dropped: no_right_response 3, excluded 1" in out
    for part, ids in before.items():
        assert published(folder / "run", part) == [each for each in ids if each != flagged]
    redone = {path.parent.name for path, written in manifests.items() if path.stat().st_mtime_ns != written}
    assert redone == {"select", "justify"}
    assert sum(path.stat().st_mtime_ns != written for path, written in manifests.items()) == 2
    story = json.loads(succeed("explain", "run", flagged, "--json", cwd=folder))
    assert story["decision"]["drop_reason"] == "excluded"
    assert story["published"] == {}
    shown.flag(flagged, None)
    assert "24 → 21 examples" in succeed(*again, cwd=folder)
    assert {part: published(folder / "run", part) for part in before} == before


def test_a_real_run_as_files(finished_run: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    out = succeed("view", finished_run / "run", "--html", pages, cwd=tmp_path)
    assert out == f"{pages / 'index.html'}: 24 problems\n"
    rows = pl.concat([pl.read_parquet(path) for path in sorted((finished_run / "run/dataset/sft").glob("train-*"))])
    page = (pages / "problems" / f"{rows['problem_id'][3]}.html").read_text()
    assert "<b>sft</b> dataset/sft/train-00000-of-00001.parquet, row 3" in page
    assert rows["justification"][3] in page
    assert len(re.findall(r'<details class="rollout (?:in)?correct"', page)) == 8
    assert page.count('<span class="badge">kept</span>') == 1
