"""scripts/bench.py reads a benchmark's closing line, and says what was wrong where there is none."""

import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            'print("noise"); print(\'{"benchmark": "b", "ratio": {"x": 1.5}, "goal": {"x": 1}}\')',
            {"benchmark": "b", "ratios": {"x": (1.5, 1.0)}},
        ),
        ("raise SystemExit(3)", {"benchmark": "some", "error": "exit status 3"}),
        ("print('fast enough')", {"error": "no closing line of JSON with benchmark, ratio and goal"}),
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
    result = runpy.run_path(str(repo_root / "scripts" / "bench.py"))["run"](benchmark)
    assert expected.items() <= result.items()
    assert result["seconds"] >= 0
