"""What the advantage and reward functions cost of a training step: less than 1 %.

Real steps of `hipo-data train rl` on the embedded teacher, which is so small that no other model has shorter ones:
64 rollouts of at most 96 tokens, on the CPU. The functions are those that turn facts about rollouts into rewards and
these into advantages of tokens. Their share is the median over the steps after the first.

A ratio is 1 % of the step over what the functions took. Beside it, in percent of the step: `reading` finds mode and
segments in the tokens, `grading` is the graders; and the milliseconds of the functions for 512 responses of 8,192
tokens.

    python benchmarks/advantages.py
"""

import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

GOAL = 1.0
STEPS = 6
ALGORITHMS = ("hipo", "hgpo", "thinkless")
FUNCTIONS = ("rewards_of", "values_of", "token_advantages")


class Clock:
    """Seconds by name, since the last `lap`."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - started

        return call

    def lap(self) -> dict[str, float]:
        spent, self.spent = self.spent, {}
        return spent


def main() -> None:
    shares = {algorithm: shares_of(algorithm) for algorithm in ALGORITHMS}
    for algorithm, parts in shares.items():
        said = ", ".join(f"{name} {100 * share:.3f} %" for name, share in parts.items())
        print(f"{algorithm}: {said} of a step", file=sys.stderr)
    result = {
        "benchmark": "advantages",
        "ratio": {algorithm: 0.01 / parts["functions"] for algorithm, parts in shares.items()},
        "goal": dict.fromkeys(ALGORITHMS, GOAL),
        "reading_percent": max(100 * parts["reading"] for parts in shares.values()),
        "grading_percent": max(100 * parts["grading"] for parts in shares.values()),
        "ms_of_512x8192": at_scale(),
    }
    print(json.dumps(result))


def shares_of(algorithm: str) -> dict[str, float]:
    """The share of a step that each part takes, by the median over the steps."""
    import hipo_data.trainer.facts.scoring
    import hipo_data.trainer.training.mode_grpo
    from hipo_data.schemas.config_file import read_config
    from hipo_data.trainer.training.config import RlConfig
    from hipo_data.trainer.training.rl import run_rl
    from tests.trainer.conftest import published, rl_recipe

    clock, laps = Clock(), []
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as patches:
        folder = Path(scratch)
        published(folder / "data", rows=64)
        rollouts = {"group": 8, "max_tokens": 96, "engine": "torch"}
        changes = {"steps": STEPS, "prompts": 8, "micro_batch": 32, "rollouts": rollouts}
        config = read_config(RlConfig, rl_recipe(folder, algorithm={"type": algorithm}, **changes), [])
        for name in FUNCTIONS:
            patches.enter_context(timed(clock, "functions", hipo_data.trainer.training.mode_grpo, name))
        for owner, name, part in (
            (hipo_data.trainer.facts.scoring, "read_completion", "reading"),
            (hipo_data.trainer.training.mode_grpo, "segment_tensor", "reading"),
            (hipo_data.trainer.facts.scoring.Scorer, "_statuses", "grading"),
        ):
            patches.enter_context(timed(clock, part, owner, name))
        step = hipo_data.trainer.training.mode_grpo.ModeGRPOTrainer.training_step

        def lapped(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            loss = step(*args, **kwargs)
            laps.append({"step": time.perf_counter() - started, **clock.lap()})
            return loss

        patches.enter_context(
            mock.patch.object(hipo_data.trainer.training.mode_grpo.ModeGRPOTrainer, "training_step", lapped)
        )
        with contextlib.redirect_stdout(sys.stderr):
            run_rl(config)
    steps = list(of_whole_steps(laps))[1:]
    return {
        part: statistics.median(step.get(part, 0.0) / step["step"] for step in steps)
        for part in ("functions", "reading", "grading")
    }


def timed(clock: Clock, part: str, owner: Any, name: str) -> Any:
    return mock.patch.object(owner, name, clock.timed(part, getattr(owner, name)))


def of_whole_steps(laps: list[dict[str, float]]) -> Iterator[dict[str, float]]:
    """Micro-batches put together: rollouts are drawn, and the functions called, in the first of a step."""
    for at in range(0, len(laps), len(laps) // STEPS):
        parts = laps[at : at + len(laps) // STEPS]
        yield {name: sum(part.get(name, 0.0) for part in parts) for name in parts[0]}


def at_scale() -> float:
    """Milliseconds of HiPO's functions for 512 responses of 8,192 tokens, the median of five."""
    import torch

    from hipo_data.schemas.algorithm_config import Hipo
    from hipo_data.trainer.algorithms.rollouts import Segment
    from hipo_data.trainer.facts.scoring import Facts
    from hipo_data.trainer.facts.shaping import rewards_of, token_advantages, values_of

    draw = torch.Generator().manual_seed(0)
    rollouts, tokens = 512, 8192
    yes = torch.randint(2, (rollouts,), generator=draw).bool()
    lengths = torch.full((rollouts,), tokens)
    facts = Facts(yes, ~torch.zeros_like(yes), yes, ~yes, yes.long(), lengths, lengths * 0, lengths.float())
    segments = torch.full((rollouts, tokens), int(Segment.REASONING))
    segments[:, :40], segments[:, 40] = int(Segment.JUDGE), int(Segment.MODE)
    groups, config = torch.arange(rollouts) // 16, Hipo(type="hipo")
    took = []
    for _ in range(5):
        started = time.perf_counter()
        rewards = rewards_of(config.reward, facts, groups)
        token_advantages(config, values_of(config, rewards, groups, facts), segments)
        took.append(time.perf_counter() - started)
    return 1000 * statistics.median(took)


if __name__ == "__main__":
    main()
