"""What a problem's page says at every stage of a run, of every kind of gold, and where rollouts failed."""

import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from hipo_data.pipeline.viewer.export import write_pages
from hipo_data.pipeline.viewer.filters import Filters
from hipo_data.pipeline.viewer.shown_run import ShownRun
from tests.support.made_up_run import make_run, replace_table

_GRADED = ["verify.think_on", "verify.think_off"]
_STAGES = {
    "ingest": (["sample.think_on", "sample.think_off", *_GRADED, "select", "justify"], "It has no rollouts yet"),
    "sample": ([*_GRADED, "select", "justify"], "not graded"),
    "verify": (["select", "justify"], "It is not decided yet"),
    "select": (["justify"], "Its justification is not written yet"),
}
_GOLDS = {
    '{"type": "stdin", "inputs": ["1 2", "<b>"], "outputs": ["3", "4"]}': ["inputs and outputs, 2", "&lt;b&gt;"],
    '{"type": "call", "fn_name": "add", "inputs": ["1"], "outputs": ["2"]}': ["calls, 1", "<code>add</code>"],
    '{"type": "check", "test_code": "def check(f): pass", "entry_point": "f"}': [
        "a check",
        '<span class="k">def</span>',
    ],
    '{"type": "asserts", "asserts": ["assert f(1) == 2"]}': ["assertions", '<span class="k">assert</span>'],
    '{"type": "none"}': ["none in the source"],
    '{"type": "math", "answers": ["\\\\frac{1}{2}", "0.5"]}': ["<mfrac>", " or "],
}


def pages(run_dir: Path) -> list[str]:
    out = run_dir.with_name(f"{run_dir.name}-pages")
    write_pages([ShownRun(run_dir)], out, Filters(), 12)
    return [path.read_text() for path in sorted((out / "problems").iterdir())]


@pytest.mark.parametrize("stage", _STAGES)
def test_what_is_not_there_yet_is_said(made_run: Path, tmp_path: Path, stage: str) -> None:
    missing, said = _STAGES[stage]
    left_out = shutil.ignore_patterns(*missing)
    shutil.copytree(made_run, tmp_path / "run", ignore=left_out)
    found = pages(tmp_path / "run")
    assert len(found) == 12
    assert any(said in page for page in found)


def test_a_mode_that_was_never_sampled_is_not_still_to_come(made_run: Path, tmp_path: Path) -> None:
    without = shutil.ignore_patterns("sample.think_on", "verify.think_on")
    shutil.copytree(made_run, tmp_path / "run", ignore=without)
    found = pages(tmp_path / "run")
    assert all("none was sampled" in page and "no rollouts yet" not in page for page in found)


def test_golds_of_every_kind(tmp_path: Path) -> None:
    make_run(tmp_path / "run", len(_GOLDS), n=1, bits=0)
    path = tmp_path / "run" / "ingest" / "00-0000.parquet"
    replace_table(tmp_path / "run", path, pl.read_parquet(path).with_columns(gold=pl.Series(list(_GOLDS))))
    for page, parts in zip(pages(tmp_path / "run"), _GOLDS.values(), strict=True):
        assert [part for part in parts if part not in page] == []


@pytest.mark.parametrize("policy", ["preference", "groups", "budget"])
def test_what_a_policy_keeps_is_marked(tmp_path: Path, policy: str) -> None:
    make_run(tmp_path / "run", 12, n=4, bits=0, select={"policy": policy})
    marks = re.findall('<span class="badge">(.*?)</span>', "".join(pages(tmp_path / "run")))
    assert "kept" in marks
    assert ("rejected" in marks) == (policy == "preference")


def test_a_failed_request_and_hidden_reasoning_are_told(tmp_path: Path) -> None:
    make_run(tmp_path / "run", 1, n=1, bits=0)
    failed = {"error": "the server said <no>", "finish_reason": "error", "answer": None, "reasoning": None}
    hidden = {"reasoning": "", "reasoning_tokens": 1234}
    for mode, values in (("think_on", hidden), ("think_off", failed)):
        path = tmp_path / "run" / f"sample.{mode}" / "00-0000.parquet"
        rows = pl.read_parquet(path)
        changed = [pl.lit(value, rows.schema[name]).alias(name) for name, value in values.items()]
        replace_table(tmp_path / "run", path, rows.with_columns(changed))
    (page,) = pages(tmp_path / "run")
    assert "the server said &lt;no&gt;" in page
    assert "reasoning of 1,234 tokens, which the server does not show" in page
