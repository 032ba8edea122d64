"""The estimate of the time left, on a run of the quickstart that was recorded and on runs that are made up."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.pipeline.watch.time_left import TimeLeft
from hipo_data.pipeline.watch.watcher import RunState, StageProgress

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("quickstart.json").read_text())
"""Rows of each stage, and a look a second: seconds, rows done of each. The engine took long to load."""
NEAR_S = 6.0
"""What the last pieces take, whose rows come all at once."""


def states() -> list[tuple[float, list[StageProgress]]]:
    totals = RECORDED["stages"]
    return [
        (seconds, [StageProgress(label, "", n, totals[label]) for label, n in zip(totals, done, strict=True)])
        for seconds, *done in RECORDED["looks"]
    ]


def test_the_quickstart_ends_when_it_was_said_to() -> None:
    """Within a factor of 2 over the last nine tenths of the time from its first row to its last."""
    every = states()
    begin = max(seconds for seconds, stages in every if not any(stage.done for stage in stages))
    end = min(seconds for seconds, stages in every if all(stage.done == stage.total for stage in stages))
    left = TimeLeft()
    found = {seconds: left.look(stages, seconds) for seconds, stages in every}
    judged = 0
    for seconds, said in found.items():
        if seconds < begin + 0.1 * (end - begin):
            continue
        if seconds >= end:
            assert said is None
            continue
        assert said is not None
        truth = end - seconds
        assert truth / 2 <= said <= truth * 2 or abs(said - truth) <= NEAR_S, (seconds, said, truth)
        judged += 1
    assert judged > 100
    assert all(said is None for seconds, said in found.items() if seconds <= begin)


def test_the_screen_of_the_quickstart_has_one_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system=None)
    with RunProgress(console) as progress:
        for seconds, stages in states():
            monkeypatch.setattr("time.monotonic", lambda now=seconds: now)
            out.truncate(0)
            progress.show(RunState(stages))
            progress._bars.refresh()
            screen = out.getvalue().rpartition("sample off")[2]
            assert len(re.findall(r"\d+ (?:s|min|h) left", screen)) <= 1
            assert "-:--:--" not in screen  # what rich says of the time left, where it does not know
            if sum(stage.done for stage in stages) < 0.05 * sum(stage.total for stage in stages):
                assert " left" not in screen


def test_what_an_earlier_attempt_did_says_nothing_of_the_rate() -> None:
    left = TimeLeft()
    assert left.look([], 0) is None
    for seconds in (10, 500):  # an engine loads
        assert left.look([StageProgress("sample on", "", 900, 1000)], seconds) is None
    assert left.look([StageProgress("sample on", "", 903, 1000)], 501) is None
    assert left.look([StageProgress("sample on", "", 950, 1000)], 510) == pytest.approx(10)


def test_a_stage_that_waits_ends_no_sooner_than_its_inputs() -> None:
    """Half of the responses are there, and none is graded yet: the other rows are still to come, too."""
    left = TimeLeft()
    for seconds in range(101):
        done = min(50, seconds)
        stages = [StageProgress("sample on", "", done, 100), StageProgress("verify on", "", 0, 100)]
        said = left.look(stages, float(seconds))
    assert said is not None and said > 150
    only = TimeLeft()
    for seconds in range(51):
        said = only.look([StageProgress("sample on", "", seconds, 100)], float(seconds))
    assert said == pytest.approx(50)


def test_the_last_stage_is_held_to_its_own_rate() -> None:
    left = TimeLeft()
    for seconds in range(200):
        sampled, done = min(1000, 10 * seconds), max(0, (seconds - 100) // 10)
        stages = [StageProgress("sample on", "", sampled, 1000), StageProgress("justify", "", done, 20)]
        said = left.look(stages, float(seconds))
    assert said == pytest.approx(120, rel=0.3)


@given(st.lists(st.tuples(st.floats(0.01, 1e5), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=60))
def test_it_is_never_negative_and_says_nothing_of_what_is_through(steps: list[tuple[float, int, int]]) -> None:
    left, now, first, second = TimeLeft(), 0.0, 0, 0
    for seconds, more, then in steps:
        now, first = now + seconds, min(100, first + more)
        second = min(first, second + then)
        said = left.look([StageProgress("sample on", "", first, 100), StageProgress("verify on", "", second, 100)], now)
        assert said is None or said > 0
        if first + second < 10 or second == 100:
            assert said is None


def test_a_run_of_days_is_remembered_in_few_looks() -> None:
    left = TimeLeft()
    for second in range(20_000):
        said = left.look([StageProgress("sample on", "", second, 40_000)], float(second))
    assert len(left._looks) <= 512
    assert said == pytest.approx(20_000, rel=0.05)
