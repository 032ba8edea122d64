"""scripts/bench.py reads a benchmark's closing line, and says what was wrong where there is none."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest


def script(repo_root: Path) -> dict[str, Any]:
    return runpy.run_path(str(repo_root / "scripts" / "bench.py"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            'print("noise"); print(\'{"benchmark": "b", "ratio": {"x": 1.5}, "goal": {"x": 1}}\')',
            {"benchmark": "b", "ratio": {"x": 1.5}, "goal": {"x": 1.0}, "peer": {}},
        ),
        ("raise SystemExit(3)", {"benchmark": "some", "error": "exit status 3"}),
        ("print('fast enough')", {"error": "no closing line of JSON with benchmark, ratio and goal"}),
        (
            'print(\'{"benchmark": "b", "ratio": {"x": 2}, "goal": {"x": 1}, "peer": {"x": "absent 7", "y": "z"}}\')',
            {"benchmark": "b", "ratio": {"x": 2.0}, "goal": {"x": 1.0}, "peer": {"x": "absent 7"}},
        ),
        (
            'print(\'{"benchmark": "b", "ratio": {"x": 1.5}, "goal": {}}\')',
            {"error": "no closing line of JSON with benchmark, ratio and goal"},
        ),
        ("print('[1]')", {"error": "no closing line of JSON with benchmark, ratio and goal"}),
        ("", {"error": "no closing line of JSON with benchmark, ratio and goal"}),
    ],
)
def test_closing_line(repo_root: Path, tmp_path: Path, code: str, expected: dict[str, Any]) -> None:
    benchmark = tmp_path / "some.py"
    benchmark.write_text(code)
    result = script(repo_root)["run"](benchmark)
    assert expected.items() <= result.items()
    assert result["seconds"] >= 0


def test_a_figure_that_fell_is_told_by_the_same_machine(repo_root: Path) -> None:
    bench = script(repo_root)
    lines = [
        json.dumps({"benchmark": "b", "machine": machine, "commit": commit, "ratio": {"x": ratio}})
        for machine, commit, ratio in [("m", "c1", 4.0), ("m", "c2", 3.0), ("other", "c3", 9.0)]
    ]
    before = bench["last_ratios"](lines, "m")
    assert before == {("b", "x"): (3.0, "c2")}
    assert "fell from 3.00 at c2" in bench["judged"](2.6, 2.0, before["b", "x"])
    assert "fell" not in bench["judged"](2.8, 2.0, before["b", "x"])
    assert "short of it" in bench["judged"](1.0, 2.0, None)


def test_the_history_can_be_read(repo_root: Path) -> None:
    bench, where = script(repo_root), {"date", "commit", "machine"}
    for line in bench["HISTORY"].read_text().splitlines():
        assert where | {"benchmark", "ratio", "goal", "peer", "seconds", "load_before"} == json.loads(line).keys()
    assert where == bench["here"]().keys()
