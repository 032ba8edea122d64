"""Runs opened and started from Python: tables, stories, other settings, what a notebook shows, and errors."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import yaml

import hipo_data
from hipo_data.pipeline.from_python.html import facts
from hipo_data.pipeline.from_python.start import _as_yaml
from hipo_data.pipeline.store.run_dir import record_run
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.yaml_tree import yaml_tree
from tests.support.made_up_run import config, make_run, replace_table

HOSTILE = "<script>alert('a')</script>\x1b[2J"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 problems in four shards, whose first question is markup."""
    path = tmp_path_factory.mktemp("run")
    make_run(path, 40, n=4)
    for file in (path / "ingest").glob("*-*.parquet"):
        rows = pl.read_parquet(file)
        replace_table(path, file, rows.with_columns(question=pl.lit(HOSTILE)))
    return path


def test_importing_the_package_is_cheap_and_names_are_found_late(tmp_path: Path) -> None:
    code = "import sys, hipo_data; assert {'open', 'run', 'Run'} <= set(dir(hipo_data)); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"ray", "polars", "pyarrow", "pydantic", "typer", "yaml"} & set(loaded)
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        hipo_data.close  # noqa: B018


def test_tables_are_lazy_and_whole(made: Path) -> None:
    run = hipo_data.open(made)
    frames = {"problems": 40, "rollouts": 320, "decisions": 40}
    for name, rows in frames.items():
        frame = getattr(run, name)
        assert isinstance(frame, pl.LazyFrame)
        assert frame.select(pl.len()).collect().item() == rows
    rollouts = run.rollouts.collect()
    assert rollouts["status"].null_count() == 0 and {"text", "reason", "extracted"} <= set(rollouts.columns)
    kept = run.decisions.filter(pl.col("mode").is_not_null()).collect()
    assert kept.height == run.examples.collect().height > 0
    assert run.path == made and run.config.name == "made-up"


def test_rollouts_keep_their_order_and_their_own_verdicts(made: Path) -> None:
    run = hipo_data.open(str(made))
    seen = run.rollouts.select("problem_id", "mode", "index", "status").collect()
    for mode in ("think_on", "think_off"):
        files = sorted((made / f"sample.{mode}").glob("*.parquet"))
        sampled = pl.concat([pl.read_parquet(file, columns=["problem_id", "index"]) for file in files])
        of_mode = seen.filter(pl.col("mode") == mode)
        assert of_mode.select("problem_id", "index").equals(sampled)
        verdicts = pl.concat([pl.read_parquet(file) for file in (made / f"verify.{mode}").glob("*.parquet")])
        joined = of_mode.join(verdicts, on=["problem_id", "index"], suffix="_own")
        assert (joined["status"] == joined["status_own"]).all() and joined.height == of_mode.height


def test_other_settings_are_those_of_the_command(made: Path) -> None:
    run = hipo_data.open(made)
    answer = run.whatif(delta=[0.1, 0.3], n=[2, 4])
    assert answer.table.select("n", "delta").rows() == [(n, d) for n in (2, 4) for d in (0.1, 0.15, 0.3)]
    assert run.whatif(0.1, 4).table.equals(run.whatif("0.1", "4").table)
    assert "Nothing was sampled." in str(answer)
    assert "0.3" in answer._repr_html_()
    with pytest.raises(hipo_data.UserError, match="--n 9 is more than the 4 rollouts"):
        run.whatif(n=9)


def test_what_rows_say_never_becomes_markup(made: Path) -> None:
    run = hipo_data.open(made)
    story = run.problem(run.problems.select("problem_id").collect().item(0, 0))
    assert "<script>" in str(story) and "\x1b" not in str(story)
    page = story._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;alert(&#x27;a&#x27;)" in page
    assert story.decision is not None and len(story.rollouts) == 8
    assert story.as_json()["problem"]["question"].startswith("<script>")
    shown = facts(HOSTILE, {HOSTILE: HOSTILE}, [HOSTILE])
    assert "<script>" not in shown and shown.count("&lt;script&gt;") == 4 and "\x1b" not in shown


def test_a_run_that_has_not_come_so_far_says_so(tmp_path: Path, made: Path) -> None:
    assert "nothing is published yet" in repr(hipo_data.open(made))
    with pytest.raises(hipo_data.UserError, match=r"has no published dataset yet; `hipo-data status`"):
        _ = hipo_data.open(made).summary
    assert "no published dataset yet" in hipo_data.open(made)._repr_html_()
    record_run(tmp_path / "run", config(2))
    new = hipo_data.open(tmp_path / "run")
    for name in ("problems", "rollouts", "decisions", "examples"):
        with pytest.raises(hipo_data.UserError, match=f"has no {name} yet"):
            getattr(new, name)
    with pytest.raises(hipo_data.UserError, match="holds no run"):
        hipo_data.open(tmp_path)


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    make_run(tmp_path, 8, n=2, bits=0)
    (table,) = (tmp_path / "select").glob("*-0000.parquet")
    table.write_bytes(table.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedError, match="does not fit its checksum"):
        _ = hipo_data.open(tmp_path).decisions


def test_a_finished_run_shows_its_summary(finished_run: Path) -> None:
    run = hipo_data.open(finished_run / "run")
    assert (run.summary.problems, run.summary.examples) == (24, 21)
    assert repr(run) == f"Run({finished_run / 'run'}: 24 problems → 21 examples)"
    page = run._repr_html_()
    assert "24 → 21 examples" in page and "recorded" in page and "pass rates" in page


@pytest.mark.parametrize("value", [0.2, 1e-05, 3, True, None, "on", "a: b", [1, 2], {"a": ["x"]}, "é" * 200])
def test_overrides_mean_what_they_are(value: Any) -> None:
    assert yaml_tree(_as_yaml(value), "key") == value


def test_a_recipe_given_as_a_tree_is_checked_as_a_file_is(finished_run: Path, tmp_path: Path) -> None:
    recipe = yaml.safe_load((finished_run / "recipe.yaml").read_text())
    before = yaml.safe_dump(recipe)
    with pytest.raises(hipo_data.UserError, match=r"^the recipe: unknown key 'select.delt'; did you mean 'delta'\?$"):
        hipo_data.run(recipe, overrides={"select.delt": 0.2}, run_dir=tmp_path / "run")
    assert yaml.safe_dump(recipe) == before
    with pytest.raises(hipo_data.UserError, match="did you mean 'quickstart'"):
        hipo_data.run("quickstrat")
    with pytest.raises(hipo_data.UserError, match="there is no stage 'sel'"):
        hipo_data.run(recipe, stages=["sel"], run_dir=tmp_path / "run")


def test_a_run_that_is_up_to_date_does_nothing_and_comes_back_opened(
    copy_of_finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = yaml.safe_load((copy_of_finished_run / "recipe.yaml").read_text())
    run = hipo_data.run(recipe, run_dir=copy_of_finished_run / "run", quiet=True)
    assert run.summary.examples == 21
    assert capsys.readouterr().out.startswith("Nothing to do: ")


def test_a_process_that_uses_ray_itself_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: True))
        with pytest.raises(hipo_data.UserError, match=r"call ray.shutdown\(\) first"):
            hipo_data.run("quickstart")


def test_a_thread_that_gets_no_signals_starts_no_run() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(hipo_data.UserError, match="in the main thread"):
        pool.submit(hipo_data.run, "quickstart").result()
