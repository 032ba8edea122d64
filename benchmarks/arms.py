"""Four arms beside two modes: rollouts per second of select, and how often the chosen arm is the wrong one.

rows_per_s: rollouts a second of selecting 100,000 problems with 8 rollouts in each of four arms, by the policy effort,
over those of the same problems with two modes by the policy hipo; from Parquet to Parquet, shard by shard.
posterior: the same of four arms with `rule: posterior`, its prior included, over those of effort with measured rates.

An arm is wrong if it is not the lowest whose true pass rate is within δ of the best one's. wrong_arms: the wrong ones
by measured rates over those by the rule posterior; N 8, mean over three worlds of 6,000 problems and six δ. Worlds:

climbing: p of the first arm ~ B(.4, .5), each further one turns a share B(.7, 1.2) of what is missing into right ones;
levelling: the same with ever smaller shares, so that arms beyond the second bring little;
uneven: p ~ B(2, 2), each further arm is off by N(.06, .12).

Each measurement of speed is a process of its own, in turns. A number as argument is how many problems instead.

    python benchmarks/arms.py
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from _child import child, say
from numpy.typing import NDArray
from selection import PROBLEMS_A_SHARD, N, generate

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.arm_counts import graded_arms
from hipo_data.stages.select.arm_prior import ArmPriors, added, arm_cells, fit_arms
from hipo_data.stages.select.policies.effort import kept_arms
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select

GOALS = {"rows_per_s": 0.5, "posterior": 0.1, "wrong_arms": 1.1}
PROBLEMS = 100_000
ROUNDS = 3
PAIR = ("think_off", "think_on")
ARMS = ("think_off", "low", "high", "think_on")
Floats = NDArray[np.float64]


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(selected(Path(sys.argv[3]), *SIDES[sys.argv[2]])))
        return
    ratio = {"wrong_arms": wrong_arms()} | throughput(int(sys.argv[1]) if sys.argv[1:] else PROBLEMS)
    print(json.dumps({"benchmark": "arms", "ratio": ratio, "goal": GOALS}))


def throughput(problems: int) -> dict[str, float]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        generate(Path(folder), max(1, problems // PROBLEMS_A_SHARD))
        with_more_arms(Path(folder))
        for number in range(ROUNDS):
            for name in list(SIDES) if number % 2 else list(reversed(SIDES)):
                found[name].append(child(name, Path(folder)))
    rates = {name: [each["rows"] / each["seconds"] for each in runs] for name, runs in found.items()}
    for name, runs in found.items():
        say(f"{name}: {max(rates[name]):,.0f} rollouts/s of {runs[0]['rows']:,}, peak {runs[0]['peak_gib']:.2f} GiB")
    best = {name: max(each) for name, each in rates.items()}
    return {"rows_per_s": best["four"] / best["two"], "posterior": best["posterior"] / best["four"]}


def with_more_arms(data: Path) -> None:
    """Two arms between those of each shard, with the lengths of think-on, of which some are wrong."""
    for path in sorted(data.glob("*.rollouts.parquet")):
        shard = path.name[:5]
        rollouts, verdicts = pl.read_parquet(path), pl.read_parquet(data / f"{shard}.verdicts.parquet")
        for name, wrong in (("low", 3), ("high", 1)):
            thinks = pl.col("mode") == Mode.THINK_ON.value
            own = rollouts.filter(thinks).with_columns(mode=pl.lit(name))
            own.write_parquet(data / f"{shard}.rollouts.{name}.parquet")
            falls = pl.struct("problem_id", "index").hash(seed=wrong) % 10 < wrong
            graded = verdicts.filter(thinks).with_columns(
                mode=pl.lit(name), status=pl.when(falls).then(pl.lit("incorrect")).otherwise("status")
            )
            graded.write_parquet(data / f"{shard}.verdicts.{name}.parquet")


SIDES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "two": ({"policy": "hipo"}, PAIR),
    "four": ({"policy": "effort"}, ARMS),
    "posterior": ({"policy": "effort", "rule": "posterior"}, ARMS),
}


def selected(data: Path, settings: dict[str, str], arms: tuple[str, ...]) -> dict[str, Any]:
    config = SelectConfig.model_validate({"random_fraction": 0.0, **settings})
    started = time.perf_counter()
    rows, priors, counted = 0, None, []
    shards = sorted(path.name[:5] for path in data.glob("*.problems.parquet"))
    for shard in shards if config.by_posterior else []:
        problems, rollouts, verdicts = tables(data, shard, arms)
        graded = graded_arms(rollouts, verdicts, config, arms).collect()
        counted.append(arm_cells(graded, problems.collect(), len(arms), config.min_graded))
    if counted:
        priors = ArmPriors(tuple(fit_arms(added(counted, len(arms)), len(arms))))
    for shard in shards:
        problems, rollouts, verdicts = tables(data, shard, arms)
        of_these = rollouts.select(ROLLOUT_COLUMNS), verdicts.select(VERDICT_COLUMNS)
        decided = select(problems, *of_these, config, 0, priors=priors, arms=arms).collect()
        decided.write_parquet(data / f"{shard}.decided.parquet")
        rows += len(arms) * N * decided.height
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": time.perf_counter() - started, "rows": rows, "peak_gib": peak}


def tables(data: Path, shard: str, arms: tuple[str, ...]) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    """Problems with a made-up source, rollouts and verdicts; those of two modes share a file."""
    problems = pl.scan_parquet(data / f"{shard}.problems.parquet").with_columns(source=pl.lit("made-up"))
    names = ["", *(f".{arm}" for arm in arms if arm not in PAIR)]
    rollouts, verdicts = (
        pl.concat([pl.scan_parquet(data / f"{shard}.{part}{name}.parquet") for name in names])
        for part in ("rollouts", "verdicts")
    )
    return problems, rollouts, verdicts


def climbing(rng: np.random.Generator, problems: int) -> Floats:
    rates = [rng.beta(0.4, 0.5, problems)]
    for _ in ARMS[1:]:
        rates.append(rates[-1] + (1 - rates[-1]) * rng.beta(0.7, 1.2, problems))
    return np.stack(rates, axis=1)


def levelling(rng: np.random.Generator, problems: int) -> Floats:
    rates = [rng.beta(0.4, 0.5, problems)]
    for less in (1.2, 4.0, 12.0):
        rates.append(rates[-1] + (1 - rates[-1]) * rng.beta(0.7, less, problems))
    return np.stack(rates, axis=1)


def uneven(rng: np.random.Generator, problems: int) -> Floats:
    rates = [rng.beta(2, 2, problems)]
    for _ in ARMS[1:]:
        rates.append(np.clip(rates[-1] + rng.normal(0.06, 0.12, problems), 0, 1))
    return np.stack(rates, axis=1)


WORLDS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "climbing": climbing,
    "levelling": levelling,
    "uneven": uneven,
}
DELTAS = [0.1, 0.15, 0.2, 0.25, 0.3, 0.5]


def wrong_arms() -> float:
    shares: dict[bool, list[float]] = {False: [], True: []}
    for seed, (name, made) in enumerate(WORLDS.items()):
        rng = np.random.default_rng(seed)
        rates = made(rng, 6_000)
        arms = arms_of(rng.binomial(N, rates))
        sources = pl.DataFrame({"problem_id": arms["problem_id"].unique().sort(), "source": name})
        priors = ArmPriors(tuple(fit_arms(arm_cells(arms, sources, len(ARMS), 1), len(ARMS))))
        of_world: dict[bool, list[float]] = {False: [], True: []}
        for delta in DELTAS:
            true = (rates.max(axis=1, keepdims=True) - rates <= delta).argmax(axis=1)
            asked = priors.with_asked(arms, sources, delta, 1).lazy()
            for posterior, own in of_world.items():
                kept = kept_arms(asked.with_columns(pick=0), delta, "other_mode", posterior).collect()
                own.append(float((kept.sort("problem_id")["arm"].to_numpy() != true).mean()))
        said = [100 * float(np.mean(each)) for each in of_world.values()]
        print(f"{name:<10} N {N}, mean over δ: wrong arms {said[0]:.2f} → {said[1]:.2f} % by the rule posterior")
        for posterior, own in of_world.items():
            shares[posterior] += own
    return float(np.mean(shares[False]) / np.mean(shares[True]))


def arms_of(right: NDArray[np.int64]) -> pl.DataFrame:
    """Counts by arm, shape of `right` (problems, arms)."""
    ids = [f"{number:032x}" for number in range(len(right))]
    parts = [
        pl.DataFrame({"problem_id": ids, "mode": name, "arm": place, "n": N, "right": right[:, place]})
        for place, name in enumerate(ARMS)
    ]
    return pl.concat(parts).with_columns(pl.col("arm", "n").cast(pl.Int64), p=pl.col("right") / pl.col("n"))


if __name__ == "__main__":
    main()
