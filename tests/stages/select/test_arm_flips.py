"""Flip probabilities of choices between arms: by an enumeration of our own, and outcomes by the policy itself."""

from itertools import product
from math import comb

import polars as pl
import pytest

from hipo_data.stages.select.arm_flips import _outcomes, arm_flips
from hipo_data.stages.select.policies.effort import kept_arms

NAMES = ["think_off", "short", "think_on"]


def frame(rights: dict[str, tuple[int, int]], problem: str = "p") -> pl.DataFrame:
    """Right and graded rollouts by arm, as the table of arms has them; right ones may be kept."""
    return pl.DataFrame(
        {
            "problem_id": [problem] * len(rights),
            "mode": list(rights),
            "arm": [NAMES.index(name) for name in rights],
            "right": [right for right, _ in rights.values()],
            "n": [n for _, n in rights.values()],
            "p": [right / n for right, n in rights.values()],
            "pick": [0 if right else None for right, _ in rights.values()],
        },
        schema_overrides={"pick": pl.Int64},
    )


def chosen(arms: pl.DataFrame, delta: float, fallback: str) -> int:
    kept = kept_arms(arms.lazy(), delta, fallback).collect()  # type: ignore[arg-type]
    return NAMES.index(kept["mode"][0]) if kept.height else -1


@pytest.mark.parametrize("fallback", ["other_mode", "drop"])
@pytest.mark.parametrize("delta", [0.0, 0.25, 0.5, 1.0])
def test_every_outcome_is_decided_as_the_policy_decides_it(delta: float, fallback: str) -> None:
    table = _outcomes((2, 3, 2), delta, fallback, 1)  # type: ignore[arg-type]
    for rights in product(range(3), range(4), range(3)):
        arms = frame(dict(zip(NAMES, zip(rights, (2, 3, 2), strict=True), strict=True)))
        assert table[rights] == chosen(arms, delta, fallback), rights


def test_the_probability_is_the_sum_over_the_outcomes_of_another_arm() -> None:
    counts = {"think_off": (1, 2), "short": (2, 2), "think_on": (2, 2)}
    arms, delta = frame(counts), 0.25

    def predicted(right: int, n: int, k: int) -> float:
        """By quadrature of the beta-binomial."""
        steps = 20_000
        points = [(i + 0.5) / steps for i in range(steps)]
        density = [p ** (right - 0.5) * (1 - p) ** (n - right - 0.5) for p in points]
        likely = [comb(n, k) * p**k * (1 - p) ** (n - k) * each for p, each in zip(points, density, strict=True)]
        return sum(likely) / sum(density)

    own = chosen(arms, delta, "other_mode")
    by_arm = [[predicted(right, n, k) for k in range(n + 1)] for right, n in counts.values()]
    flips = sum(
        by_arm[0][a] * by_arm[1][b] * by_arm[2][c]
        for a, b, c in product(range(3), repeat=3)
        if chosen(frame(dict(zip(NAMES, ((a, 2), (b, 2), (c, 2)), strict=True))), delta, "other_mode") != own
    )
    kept = kept_arms(arms.lazy(), delta, "other_mode").collect()
    assert arm_flips(arms, kept, NAMES, delta, "other_mode", 1)["flip"].item() == pytest.approx(flips, abs=5e-3)


def test_an_arm_that_was_not_sampled_counts_as_always_right() -> None:
    sampled = frame({"think_off": (8, 8)})
    kept = kept_arms(sampled.lazy(), 0.15, "other_mode").collect()
    alone = arm_flips(sampled, kept, NAMES, 0.15, "other_mode", 1)["flip"].item()
    assert 0 < alone < 0.3
    beside = frame({"think_off": (8, 8), "short": (8, 8), "think_on": (8, 8)})
    assert arm_flips(beside, kept, NAMES, 0.15, "other_mode", 1)["flip"].item() < alone + 1e-9


def test_too_many_outcomes_say_nothing_and_every_problem_has_a_row() -> None:
    arms = pl.concat([frame(dict.fromkeys(NAMES, (50, 99))), frame({"think_off": (1, 1)}, "q")])
    kept = kept_arms(arms.lazy(), 0.15, "other_mode").collect()
    flips = dict(arm_flips(arms, kept, NAMES, 0.15, "other_mode", 1).iter_rows())
    assert flips["p"] is None and 0 <= flips["q"] <= 1
