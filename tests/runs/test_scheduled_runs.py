"""The same command again and again over sources that grow, as a scheduler gives it."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.support.commands import succeed, write_lines
from tests.support.teacher_endpoint import count_requests, teacher_endpoint

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cluster")]

N = 2


def problems(folder: Path, numbers: range) -> None:
    rows = [{"question": f"What is {i} plus {7 * i}?", "answer": str(8 * i)} for i in numbers]
    write_lines(folder / "problems.jsonl", rows)


def recipe(folder: Path, url: str) -> None:
    role = {"engine": "teacher"}
    thinking = {"chat_template_kwargs": {"enable_thinking": True}}
    quick = {"chat_template_kwargs": {"enable_thinking": False}}
    tree = {
        "name": "nightly",
        "sources": [{"type": "table", "path": str(folder / "problems.jsonl"), "name": "sums", "kind": "math"}],
        "ingest": {"shard_size": 4, "validation_fraction": 0, "near_duplicates": None},
        "engines": {"teacher": {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": url}},
        "roles": {"think_on": role | thinking, "think_off": role | quick, "justifier": role | quick},
        "sample": {"n": N},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(tree))


def kept(run: Path) -> set[str]:
    return set(pl.read_parquet(str(run / "dataset/sft/*.parquet"))["problem_id"].to_list())


@pytest.mark.long
def test_only_what_is_new_is_asked_for_and_the_card_says_what_changed(tmp_path: Path) -> None:
    problems(tmp_path, range(10, 22))
    command = ("run", "-c", "recipe.yaml", "--run-dir", "run")
    with teacher_endpoint() as url:
        recipe(tmp_path, url)
        succeed(*command, cwd=tmp_path)
        first = kept(tmp_path / "run")
        assert len(first) == 12
        assert "## Versions" not in (tmp_path / "run/dataset/README.md").read_text()

        before = count_requests()
        assert "Nothing to do" in succeed(*command, cwd=tmp_path)
        assert count_requests() == before

        problems(tmp_path, range(11, 27))  # one is gone, five are new; shards are split anew
        out = succeed(*command, cwd=tmp_path)
    second = kept(tmp_path / "run")
    assert len(second) == 16
    assert len(second & first) == 11
    assert f"{5 * 2 * N} sampled, {11 * 2 * N} taken from earlier attempts" in out
    assert count_requests() - before == 5 * (2 * N + 1)
    card = (tmp_path / "run/dataset/README.md").read_text()
    assert "| 2 |" in card
    assert "| 16 | 5, 1, 0 |" in card
    versions = json.loads((tmp_path / "run/publish/versions.json").read_text())
    assert [(each["number"], each["examples"]) for each in versions] == [(1, 12), (2, 16)]
