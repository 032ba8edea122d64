"""Whole runs on a real Ray with recorded responses: the same each time, whatever the order of work."""

import json
import subprocess
import time
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.watch.event_log import read_events
from hipo_data.prompts.formats.registry import FORMATS
from tests.support.commands import COMMAND, fail, hipo_data, recorded_recipe, succeed

pytestmark = pytest.mark.slow


def dataset(run: Path) -> bytes:
    """All published rows, without what the split into files may change."""
    files = sorted(run.glob("dataset/*/*.parquet"))
    assert files
    return b"".join(json.dumps(pq.read_table(path).to_pylist(), sort_keys=True).encode() for path in files)


def test_decisions_follow_the_rule(finished_run: Path) -> None:
    decisions = pl.read_parquet(str(finished_run / "run/select/??-????.parquet"))
    problems = pl.read_parquet(str(finished_run / "run/ingest/??-????.parquet"))
    by_question = {
        row["question"]: row
        for row in decisions.join(problems.select("problem_id", "question"), on="problem_id").to_dicts()
    }
    for i in range(24):
        row = by_question[f"What is {i} + {2 * i + 1}?"]
        if i % 8 == 0:
            assert (row["mode"], row["drop_reason"]) == (None, "no_right_response")
        elif i % 3 == 0:
            assert (row["mode"], row["rule"], row["index"]) == ("think_off", "default_off", 0)
        else:
            assert (row["mode"], row["rule"], row["index"]) == ("think_on", "margin", 0)


def test_rows_are_conserved_at_every_stage(finished_run: Path) -> None:
    manifests = [
        json.loads(path.read_text())
        for path in (finished_run / "run").glob("*/*.json")
        if path.stem not in ("statistics", "versions", "all.accounts")
    ]
    assert len(manifests) > 10
    for manifest in manifests:
        accounted = manifest["rows_out"] + manifest["rows_rejected"] + manifest["rows_left_out"]
        assert manifest["rows_in"] == accounted, manifest["node"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["ray.local_cpus=4", "ingest.shard_size=2"],
        pytest.param(
            ["ray.local_cpus=1", "ingest.shard_size=100", "engines.on.max_in_flight=1"], marks=pytest.mark.long
        ),
    ],
)
def test_workers_shards_and_concurrency_never_change_the_dataset(
    finished_run: Path, tmp_path: Path, overrides: list[str]
) -> None:
    sets = [part for override in overrides for part in ("--set", override)]
    succeed("run", "-c", finished_run / "recipe.yaml", "--run-dir", tmp_path / "run", *sets, cwd=finished_run)
    assert dataset(tmp_path / "run") == dataset(finished_run / "run")


def test_a_finished_run_has_nothing_to_do_and_starts_no_ray(finished_run: Path) -> None:
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=finished_run)
    assert "Nothing to do" in out


@pytest.mark.usefixtures("on_cluster")
def test_a_changed_delta_reruns_select_and_what_follows_and_samples_nothing(copy_of_finished_run: Path) -> None:
    folder = copy_of_finished_run
    planned = succeed("plan", "-c", "recipe.yaml", "--run-dir", "run", "--set", "select.delta=0.6", cwd=folder)
    assert "changed: select.delta: 0.15 → 0.6" in planned
    rows = [line.split() for line in planned.splitlines()]
    stages = {"ingest", "sample", "verify", "select", "justify", "publish"}
    to_run = {row[0]: [word for word in row if word.isdigit()][2] for row in rows if row and row[0] in stages}
    assert {stage for stage, n in to_run.items() if n != "0"} == {"select", "justify", "publish"}
    before = {path: path.stat().st_mtime_ns for path in (folder / "run").glob("*.think_*/*")}
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "select.delta=0.6", cwd=folder)
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "run").glob("*.think_*/*")}
    assert "sampled" not in out
    modes = pl.read_parquet(str(folder / "run/select/??-????.parquet"))["mode"].value_counts()
    assert dict(modes.iter_rows())["think_on"] < 14


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_more_rollouts_take_the_finished_ones_along(tmp_path: Path) -> None:
    recorded_recipe(tmp_path)
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "sample.n=2", cwd=tmp_path)
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "sample.n=4", cwd=tmp_path)
    assert "96 sampled, 96 taken from earlier attempts" in out


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_another_count_of_shards_samples_nothing_again_and_leaves_no_old_files(copy_of_finished_run: Path) -> None:
    folder = copy_of_finished_run
    before = dataset(folder / "run")
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "ingest.shard_size=3", cwd=folder)
    assert "0 sampled, 192 taken from earlier attempts" in out
    assert dataset(folder / "run") == before
    assert {path.name[:2] for path in (folder / "run").glob("*/??-????.*")} == {"03"}
    assert "192" not in succeed("status", "run", cwd=folder)  # 96 rollouts a mode, not those of both counts


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_a_run_of_single_stages_equals_a_run_of_all(finished_run: Path, tmp_path: Path) -> None:
    for stages in (["ingest"], ["sample", "verify"], ["select"], ["justify", "publish"]):
        given = [part for stage in stages for part in ("--stage", stage)]
        succeed("run", "-c", finished_run / "recipe.yaml", "--run-dir", tmp_path / "run", *given, cwd=finished_run)
    assert dataset(tmp_path / "run") == dataset(finished_run / "run")


@pytest.mark.usefixtures("on_cluster")
def test_a_stage_without_its_inputs_says_which_stage_is_missing(finished_run: Path, tmp_path: Path) -> None:
    succeed(
        "run", "-c", finished_run / "recipe.yaml", "--run-dir", tmp_path / "run", "--stage", "ingest", cwd=finished_run
    )
    said = fail(
        "run",
        "-c",
        finished_run / "recipe.yaml",
        "--run-dir",
        tmp_path / "run",
        "--stage",
        "select",
        cwd=finished_run,
        code=1,
    )
    assert "add --stage sample" in said


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_broken_lines_are_quarantined_and_the_rest_goes_on(tmp_path: Path) -> None:
    recorded_recipe(tmp_path)
    problems = tmp_path / "problems.jsonl"
    problems.write_bytes(
        problems.read_bytes() + b'{"problem": "cut off\n\xff\xfe\n[1]\n{"problem": 3, "answer": "3"}\n'
    )
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    assert "21 examples" in out
    assert "ingest: unreadable 3" in out
    assert "ingest: bad_column 1" in out
    assert "ingest: unreadable 3, ingest: bad_column 1" in succeed(
        "run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path
    )
    shown = succeed("show", "run", "--stage", "rejected", "--limit", "9", cwd=tmp_path)
    assert "problems.jsonl:24" in shown


def test_show_and_status_read_a_run_from_its_files(finished_run: Path) -> None:
    assert "justify" in succeed("status", "run", cwd=finished_run)
    shown = succeed("show", "run", "--limit", "1", cwd=finished_run)
    assert "<judge>" in shown
    rows = succeed("show", "run", "--stage", "sample", "--limit", "2", "--json", cwd=finished_run)
    assert {json.loads(line)["mode"] for line in rows.splitlines()} == {"think_off"}
    key = json.loads(rows.splitlines()[0])["problem_id"]
    assert key in succeed("show", "run", "--stage", "verify", "--problem", key[:10], cwd=finished_run)
    assert "has no" in fail("show", "run", "--stage", "select", "--problem", "zz", cwd=finished_run)


def test_the_report_needs_no_network(finished_run: Path) -> None:
    page = (finished_run / "run/report.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    assert 'src="http' not in page
    assert 'href="http' not in page.replace("http://www.w3.org", "")


def test_a_run_directory_of_another_run_is_refused_with_what_differs(finished_run: Path) -> None:
    said = fail("run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "name=other", cwd=finished_run)
    assert "holds the run 'recorded', not 'other'" in said
    assert "name: recorded → other" in said


def test_a_folder_that_is_no_run_is_left_alone(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert "holds no run" in fail("run", "-c", "recipe.yaml", "--run-dir", tmp_path, cwd=finished_run)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.usefixtures("on_cluster")
def test_a_sigterm_stops_cleanly_and_the_run_goes_on_later(tmp_path: Path) -> None:
    recorded_recipe(tmp_path)
    with subprocess.Popen(
        [COMMAND, "run", "-c", "recipe.yaml", "--run-dir", "run"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as driver:  # fmt: skip
        while not (tmp_path / "run/ingest/all.json").exists():
            assert driver.poll() is None
            time.sleep(0.05)
        driver.terminate()
        _, errors = driver.communicate(timeout=120)
    assert driver.returncode == 130
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert list(read_events(tmp_path / "run"))[-1]["error"] == "stopped by SIGTERM"
    assert "21 examples" in succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_a_second_driver_on_the_same_run_is_refused(tmp_path: Path) -> None:
    recorded_recipe(tmp_path)
    with subprocess.Popen(
        [COMMAND, "run", "-c", "recipe.yaml", "--run-dir", "run"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as driver:
        while not (tmp_path / "run/run.json").exists():
            assert driver.poll() is None
            time.sleep(0.05)
        said = fail("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
        driver.communicate(timeout=300)
    assert "another hipo-data is at work" in said
    assert driver.returncode == 0


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_a_disk_that_fills_up_stops_the_run_with_nothing_half_done(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        recorded_recipe(tmp_path)
        said = fail("run", "-c", "recipe.yaml", "--run-dir", small / "run", cwd=tmp_path, code=1)
        assert "no space left" in said
        for path in small.glob("run/*/*.json"):
            json.loads(path.read_text())  # whatever counts as done is whole
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        assert "21 examples" in succeed("run", "-c", "recipe.yaml", "--run-dir", small / "run", cwd=tmp_path)
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_usage_errors_are_short(tmp_path: Path) -> None:
    assert "there is no config file" in fail("run", "-c", "none.yaml", cwd=tmp_path)
    assert "there is no stage 'smaple'" in fail(
        "run", "-c", recorded_recipe(tmp_path), "--stage", "smaple", cwd=tmp_path
    )
    assert "holds no run" in fail("status", tmp_path, cwd=tmp_path)
    assert "no file matches" in fail("plan", "-c", "recipe.yaml", "--set", "sources.0.path=no.jsonl", cwd=tmp_path)
    done = hipo_data("run", "--nonsense", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_a_format_without_a_justification_asks_for_none_and_reads_back(finished_run: Path, tmp_path: Path) -> None:
    recorded_recipe(tmp_path)
    out = succeed(
        "run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "publish.format=thinkless", cwd=tmp_path
    )  # fmt: skip
    assert "24 → 21 examples" in out
    assert not list((tmp_path / "run/logs").glob("*reasons*"))
    before = pl.read_parquet(str(finished_run / "run/justify/??-????.parquet")).sort("problem_id")
    after = pl.read_parquet(str(tmp_path / "run/justify/??-????.parquet")).sort("problem_id")
    assert after["justification"].unique().to_list() == [""]
    same = ["problem_id", "mode", "rollout_index", "reasoning", "answer"]
    assert after.select(same).equals(before.select(same))
    for row in after.to_dicts():
        read = FORMATS["thinkless"].parse(row["messages"][1]["content"])
        assert (read.mode, read.reasoning, read.answer) == (row["mode"], row["reasoning"], row["answer"])


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_a_run_is_watched_from_outside(tmp_path: Path) -> None:
    recorded_recipe(tmp_path)
    sets = [
        *("--set", "watch.metrics_port=0"),
        *("--set", f"watch.command=[sh, -c, 'cat > {tmp_path}/told.json']"),
    ]
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", *sets, cwd=tmp_path)
    assert "metrics: http://127.0.0.1:" in out
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["run"], told["result"], told["message"]) == ("recorded", "done", None)
    assert told["dataset"] == str(tmp_path / "run/dataset")
    ended = [event for event in read_events(tmp_path / "run") if event["event"] == "ended"]
    assert {event["stage"] for event in ended} == set(STAGES)
    assert "came to its end" in succeed("status", "run", cwd=tmp_path)

    failing = ["--set", "engines.on.path=nowhere.parquet", "--set", "sample.n=3"]
    error = fail("run", "-c", "recipe.yaml", "--run-dir", "run", *sets, *failing, cwd=tmp_path, code=1)
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["result"] == "failed"
    assert told["message"] in error
    assert told["message"][:40] in succeed("status", "run", cwd=tmp_path)
