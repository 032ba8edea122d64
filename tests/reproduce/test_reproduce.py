"""The comparison of methods runs end to end, goes on where it stopped, and says what it found."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hipo_data.reproduce.__main__ import page_of, reproduce
from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.reproduce.kept import fingerprint_of, keep
from hipo_data.reproduce.page import BY_HAND, spread, write_page
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import UserError
from tests.support.commands import JUSTIFICATION, write_lines
from tests.trainer.conftest import TEACHER


def test_a_step_is_done_once_for_the_same_settings(tmp_path: Path) -> None:
    done = []

    def make() -> list[int]:
        done.append(len(done))
        return list(done)

    one, two = fingerprint_of({"seed": 1}), fingerprint_of({"seed": 2})
    assert keep(tmp_path, "train", one, make) == keep(tmp_path, "train", one, make) == [0]
    assert keep(tmp_path, "train", two, make) == [0, 1]
    assert keep(tmp_path, "other", two, make) == [0, 1, 2]


def test_a_step_that_fails_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        keep(tmp_path, "train", "f", lambda: (_ for _ in ()).throw(RuntimeError("no")))
    assert keep(tmp_path, "train", "f", lambda: 5) == 5


def test_means_and_spreads_over_seeds() -> None:
    assert spread([0.1, 0.2, 0.3]) == "0.200 ± 0.100"
    assert spread([0.25]) == "0.250" and spread([None, None]) == "–"
    assert spread([40.0, None, 42.0], 1) == "41.0 ± 1.4"


def config_in(folder: Path, **changes: Any) -> ReproduceConfig:
    recipe = yaml.safe_load((Path(__file__).parents[2] / "recipes/reproduce-tiny.yaml").read_text())
    recipe |= {"output": str(folder / "out"), "page": str(folder / "docs/page.md"), "model": str(TEACHER), **changes}
    path = folder / "reproduce.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return read_config(ReproduceConfig, path, [])


def test_the_page_compares_with_the_first_cold_start(tmp_path: Path) -> None:
    def model(accuracy: float, tokens: float, share: float) -> dict[str, Any]:
        figures = {"accuracy": accuracy, "tokens": tokens, "think_on": share, "well_formed": 1.0, "truncated": 0.0}
        return {
            "all": {**figures, "hybrid_accuracy": 0.7},
            "families": {"pick": figures},
            "steps": [{"step": 1, "think_on": share}],
        }

    config = config_in(tmp_path)
    first = config.starts["a"].title
    results = {
        first: {1: model(0.70, 40, 1.0), 2: model(0.72, 40, 1.0)},
        **{name: {1: model(0.75, 30, 0.6), 2: model(0.75, 30, 0.6)} for name in config.arms if name == "HiPO from b"},
        "HGPO from b": {2: model(0.75, 20, 0.9)},
        "HiPO without the global term": {1: model(0.60, 30, 0.9)},
    }
    text = write_page(config, results).read_text()
    assert f"| {first} | 0.710 ± 0.014 | 40.0 ± 0.0 | 1.000 ± 0.000 | 0.700 ± 0.000 | 1.000 ± 0.000 |" in text
    assert "| HiPO from b | +4.0 | +5.6 % | -25.0 % | -40.0 % |" in text
    # Seed 1 is not trained yet, and the cold start's seed 1 is worse.
    assert "| HGPO from b | +3.0 | +4.2 % | -50.0 % | -10.0 % |" in text
    # The ablation has seed 1 alone, and is compared with the same seed.
    assert "| HiPO without the global term | 0.600 | 30.0 | 0.900 | 0.700 | 1.000 |" in text
    assert "| HiPO without the global term | -15.0 | -20.0 % | +0.0 % | +50.0 % |" in text
    missing = "cold start b (HiPO's rule); GRPO from a; HiPO without justification"
    assert f"Not trained when this page was made: {missing}." in text
    for name in ("trade", "families", "training"):
        assert (tmp_path / f"docs/images/reproduction-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_what_a_reader_wrote_below_the_line_stays(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    figures = {"accuracy": 0.5, "tokens": 40, "think_on": 1.0, "well_formed": 1.0, "truncated": 0.0}
    results = {config.starts["a"].title: {1: {"all": figures, "families": {"pick": figures}, "steps": []}}}
    page = write_page(config, results)
    page.write_text(page.read_text() + "\n## Why\n\nBecause.\n")
    written = write_page(config, results).read_text()
    assert written.endswith(f"{BY_HAND}\n\n## Why\n\nBecause.\n")
    assert write_page(config, results).read_text() == written


def test_a_start_that_nobody_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="HiPO from c names the start 'c'; there is a, b, plain"):
        config_in(tmp_path, arms={"HiPO from c": {"start": "c", "algorithm": {"type": "hipo"}}}, ablations=None)


def recorded_teacher(folder: Path, counts: dict[str, int]) -> Path:
    """A recipe whose teacher has written everything down: always right with thinking, now and then without."""
    arguments = ["--out", folder / "fresh", "--pool", "train", "--counts", json.dumps(counts), "--seed", "1"]
    subprocess.run([sys.executable, "-m", "hipo_data.models.make.fresh", *map(str, arguments)], check=True)
    rows = [json.loads(line) for name in counts for line in (folder / f"fresh/{name}.jsonl").read_text().splitlines()]
    responses, reasons = [], []
    for i, row in enumerate(rows):
        on = [f"<think>\n{'so ' * (j + 1)}\n</think>\n\n\\boxed{{{row['answer']}}}" for j in range(2)]
        off = [f"\\boxed{{{row['answer'] if i % 2 else -1}}}" for _ in range(2)]
        responses.append({"question": row["problem"], "on": on, "off": off})
        reasons.append({"question": row["problem"], "responses": [JUSTIFICATION.format("abcdefgh"[i % 8] * 3)]})
    write_lines(folder / "responses.jsonl", responses)
    write_lines(folder / "reasons.jsonl", reasons)
    replay = {"type": "replay", "path": str(folder / "responses.jsonl")}
    recipe = {
        "name": "recorded",
        "sources": [{"type": "acereason", "path": "filled-in", "name": "x"}],
        "ingest": {"validation_fraction": 0.0, "near_duplicates": None},
        "engines": {
            "on": {**replay, "responses": ["on"]},
            "off": {**replay, "responses": ["off"]},
            "reasons": {"type": "replay", "path": str(folder / "reasons.jsonl")},
        },
        "roles": {"think_on": {"engine": "on"}, "think_off": {"engine": "off"}, "justifier": {"engine": "reasons"}},
        "sample": {"n": 2},
        "select": {"random_fraction": 0.0},
    }
    path = folder / "data.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


@pytest.mark.long
def test_a_comparison_runs_through_and_is_not_done_twice(tmp_path: Path) -> None:
    counts = {"pick": 8, "sum_long": 8}
    config = config_in(
        tmp_path,
        data=str(recorded_teacher(tmp_path, counts)),
        problems={"seed": 1, "train": counts, "evaluation": {"pick": 4, "sum_long": 4}},
        seeds=[1],
    )
    said: list[str] = []
    page = reproduce(config, said.append)
    text = page.read_text()
    assert config.ablations is not None
    titles = [start.title for start in config.starts.values()]
    for name in (*titles, *config.arms, *config.ablations.arms):
        assert f"| {name} |" in text
    assert "Not trained" not in text
    import pyarrow.parquet as pq

    modes = {
        start: set(pq.read_table(tmp_path / f"out/data-{start}/sft", columns=["mode"])["mode"].to_pylist())
        for start in config.starts
    }
    assert modes == {"a": {"think_on"}, "b": {"think_on", "think_off"}, "plain": {"think_on", "think_off"}}
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.safetensors")}
    assert len(written) >= 5
    reproduce(config, said.append)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.safetensors")} == written
    assert page_of(config).read_text() == text
