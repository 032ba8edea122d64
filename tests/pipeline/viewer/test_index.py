"""The index of a run under way, and the pages as files."""

import shutil
from pathlib import Path

import pytest

from hipo_data.pipeline.commands.view import view
from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.viewer.filters import Filters
from hipo_data.pipeline.viewer.index import UNDECIDED
from hipo_data.pipeline.viewer.shown_run import ShownRun
from hipo_data.pipeline.views.explain import explain
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.schemas.errors import UserError
from tests.support.made_up_run import make_run


def test_what_a_run_finishes_meanwhile_is_shown(made_run: Path, tmp_path: Path) -> None:
    late = ["select", "justify", "verify.think_on"]
    shutil.copytree(made_run, tmp_path / "run", ignore=lambda folder, names: [name for name in names if name in late])
    shown = ShownRun(tmp_path / "run")
    index = shown.index()
    assert index.problems["state"].unique().to_list() == [UNDECIDED]
    assert index.rollouts.filter(mode="think_on")["status"].null_count() == 480
    assert index.rollouts.filter(mode="think_off")["status"].null_count() == 0
    for folder in late:
        shutil.copytree(made_run / folder, tmp_path / "run" / folder)
    shown.look()
    newer = shown.index()
    assert set(newer.problems["state"]) == {"think_on", "think_off", "dropped"}
    assert newer.rollouts["status"].null_count() == 0
    assert newer.damaged == []


def test_a_run_that_stands_still_is_not_read_again(made_run: Path) -> None:
    shown = ShownRun(made_run)
    before = shown.index()
    shown.look()
    assert shown.index() is before


def test_how_firm_a_decision_is_is_told_once_it_is_known(made_run: Path) -> None:
    shown = ShownRun(made_run)
    index = shown.index()
    decided = index.problems.filter(rule="margin")["problem_id"][0]
    before = shown.story(index, decided).decision
    assert before is not None
    assert "flip" not in before
    shown.look()
    after, told = shown.story(index, decided).decision, explain(open_run(made_run), decided).decision
    assert after is not None
    assert after == told


def test_a_shard_that_is_gone_is_told(made_run: Path, tmp_path: Path) -> None:
    shutil.copytree(made_run, tmp_path / "run")
    (tmp_path / "run" / "select" / "02-0001.parquet").unlink()
    (tmp_path / "run" / "ingest" / "02-0002.parquet").write_bytes(b"PAR1")
    index = ShownRun(tmp_path / "run").index()
    assert 0 < index.problems.height < 120
    assert UNDECIDED in index.problems["state"].to_list()
    gone, cut = sorted(index.damaged, reverse=True)
    assert "select/02-0001.parquet is missing" in gone
    assert "ingest/02-0002.parquet has 4 bytes" in cut


def test_pages_as_files(made_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view([str(made_run)], html=tmp_path / "pages", where="mode=think_on&sort=-margin", most=60)
    assert f"{tmp_path / 'pages' / 'index.html'}: 60 problems of 81" in capsys.readouterr().out
    names = {path.name for path in (tmp_path / "pages").iterdir()}
    assert names == {"index.html", "page-2.html", "problems"}
    assert len(list((tmp_path / "pages" / "problems").iterdir())) == 60
    first = (tmp_path / "pages" / "index.html").read_text()
    assert 'think-off</span>\n<span class="head"' not in first
    assert "The first 60 of 81" in first
    assert "<form" not in first


def test_two_runs_as_files(made_run: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "other", 3, n=1, bits=0)
    view([str(made_run), str(tmp_path / "other")], html=tmp_path / "pages", most=2)
    assert {path.name for path in (tmp_path / "pages").iterdir()} == {"index.html", "1-made-up", "2-made-up"}
    assert 'href="2-made-up/index.html"' in (tmp_path / "pages" / "index.html").read_text()


def test_what_cannot_be_written_is_refused_in_a_sentence(made_run: Path, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="is there already and not an empty folder"):
        view([str(made_run)], html=tmp_path / "pages")
    with pytest.raises(UserError, match=r"no problem of .* is as --where asks"):
        view([str(made_run)], html=tmp_path / "new", where="source=none")
    with pytest.raises(UserError, match="there is no filter 'verdit'; choose from kind, mode, rule"):
        view([str(made_run)], html=tmp_path / "new", where="verdit=correct")
    with pytest.raises(UserError, match="'think_on' is no filter; write NAME=VALUE"):
        view([str(made_run)], html=tmp_path / "new", where="think_on")
    with pytest.raises(UserError, match="--where goes with --html"):
        view([str(made_run)], where="mode=think_on")
    assert Filters.asked({}) == Filters()


def test_a_run_in_storage(made_run: Path, folder: RunPath) -> None:
    for path in made_run.rglob("*"):
        if path.is_file():
            put_bytes(folder / str(path.relative_to(made_run)), path.read_bytes())
    here, away = ShownRun(made_run), ShownRun(folder)
    assert away.index().problems.equals(here.index().problems)
    rollouts = [shown.index().rollouts for shown in (here, away)]
    assert rollouts[0].sort(rollouts[0].columns).equals(rollouts[1].sort(rollouts[1].columns))
    search = away.search(away.index(), "What is 77 plus")
    assert search.wait(120)
    (row,) = search.rows
    problem = away.index().problems["problem_id"][row]
    assert len(away.story(away.index(), problem).rollouts) == 8
    away.flag(problem, "seen")
    assert ShownRun(folder).flags() == {problem: "seen"}
    assert away.index().damaged == []
