"""benchmarks/sampling.py: what it takes for a warm rate, and that its server answers what a grader can tell."""

import json
import runpy
import urllib.request
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def benchmark(repo_root: Path) -> dict[str, Any]:
    return runpy.run_path(str(repo_root / "benchmarks" / "sampling.py"))


def test_a_slow_start_and_a_slow_end_are_no_part_of_the_warm_rate(benchmark: dict[str, Any]) -> None:
    start = [(100.0 + 10 * i, 1) for i in range(10)]
    middle = [(300.0 + i / 4, 1) for i in range(80)]
    end = [(400.0 + 10 * i, 1) for i in range(10)]
    assert benchmark["warm_rate"]([*end, *start, *middle]) == pytest.approx(4.0)


def test_verdicts_come_in_shards_of_many(benchmark: dict[str, Any]) -> None:
    assert benchmark["warm_rate"]((float(i), 10 if i % 2 else 30) for i in range(80)) == pytest.approx(20.0, rel=0.03)


@pytest.mark.slow
def test_the_bare_client_gets_every_answer_of_the_server(benchmark: dict[str, Any], tmp_path: Path) -> None:
    rows = benchmark["sums"](3)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of this machine
    with benchmark["server"](0.0) as port:
        benchmark["bare_client"](tmp_path, port, rows, 5)
        assert len(benchmark["answered"](port)) == len(rows) * 2 * benchmark["N"]
        assert benchmark["answered"](port) == []
        for seed, off in ((0, 1), (1, 0)):
            body = {"messages": [{"role": "user", "content": rows[1]["problem"]}], "seed": seed}
            request = urllib.request.Request(f"{benchmark['url'](port)}/chat/completions", json.dumps(body).encode())
            with opener.open(request) as reply:
                text = json.load(reply)["choices"][0]["message"]["content"]
            assert text.endswith(f"\\boxed{{{int(rows[1]['answer']) + off}}}.")
