"""How often the chosen mode is the wrong one, and how fast the rule posterior is.

A mode is wrong if it differs from whether thinking truly gains more than δ, which is known where pass rates are made
up. It is the mode that the rule asks for; what takes its place where there is no response to keep is shown beside it,
as `kept`, of the problems that get a mode. Four worlds of 6,000 problems, through the project's own select:

polar: p_off ~ B(.4, .5), thinking turns a share B(1, 1.5) of what is missing into right ones;
middle: p_off ~ B(2, 2), small gains, normal with mean .12 and deviation .18;
uniform: both rates anything, independently;
mixed: the corpus of `benchmarks/stopping.py`.

posterior: wrong modes as it was when ties went to think-on, over those of the rule posterior; N 8, mean over worlds
and δ.

rows_per_s, memory: of selecting 10 M rollouts with the rule posterior, prior included, against the rule margin; a
number as argument is how many rollouts instead.

adaptive: wrong modes of uniform N 8 over those of as many rollouts spent by `stages/stopping/allocation.py` over a
shard of 1,500, both with the rule posterior, mean over worlds and δ; adaptive_saved: the share of rollouts saved at
equal error, against the uniform N that reaches it, interpolated between the measured ones by their logarithms.

calibration: 3 points over the largest difference between the repetition that is said and the one that is measured, in
any bin of ten with 2 % of the choices or more; N 8, the four worlds and a settled one, where most problems are always
or never solved. Printed for other N too, with how often the 95 % interval of what-if's pass rate holds the true one,
and what fallback rows cost. Beside them: what became of δ .25 and .5 as ties went to think-off, of these rollouts and
in expectation.

    python benchmarks/decisions.py
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from math import comb
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from _child import child, say
from _uncertainty import calibration, coverage, fallbacks
from numpy.typing import NDArray
from selection import PROBLEMS_A_SHARD, generate
from selection import N as ROLLOUTS_A_MODE
from stopping import CORPORA

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import decimal
from hipo_data.stages.select.pair_counts import added, cells
from hipo_data.stages.select.prior import Priors, fit
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select
from hipo_data.stages.stopping.allocation import Terms, further

GOALS = {
    "posterior": 1.17,
    "calibration": 1.0,
    "adaptive": 1.33,
    "adaptive_saved": 0.3,
    "rows_per_s": 0.5,
    "memory": 0.9,
}
AIMS = {0.25: 0.136, 0.5: 0.075}
PROBLEMS = 6_000
DRAWS = 8
DELTAS = [0.1, 0.15, 0.2, 0.25, 0.3, 0.5]
NS = [4, 8, 16, 32]
ROLLOUTS = 10_000_000
Floats = NDArray[np.float64]


class World(NamedTuple):
    """Problems with known pass rates, and which of so many rollouts a mode were right."""

    on: Floats
    off: Floats
    rollouts: pl.DataFrame
    right: dict[Mode, NDArray[np.bool_]]
    """By mode, shape (problems, rollouts)."""


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(selected(Path(sys.argv[3]), sys.argv[2])))
        return
    wrong = list(measured())
    for row in wrong:
        figures = ", ".join(f"{name} {100 * row[name]:4.1f} ({100 * row[f'kept {name}']:4.1f})" for name in RULES)
        print(f"{row['world']:<8} N {row['n']:<2} δ {row['delta']:<4} wrong modes (kept) in %: {figures}")
    at_8 = {name: mean(row[name] for row in wrong if row["n"] == 8) for name in RULES}
    print(f"N 8, mean over worlds and δ: {', '.join(f'{name} {100 * each:.2f} %' for name, each in at_8.items())}")
    ratio = {"posterior": at_8["before"] / at_8["posterior"]}
    for delta, aim in AIMS.items():
        strict = mean(row["margin"] for row in wrong if row["delta"] == delta)
        before = mean(row["before"] for row in wrong if row["delta"] == delta)
        figures = f"{100 * before:.2f} → {100 * strict:.2f} %, aim {100 * aim:.1f} %"
        figures += f"; in expectation {in_expectation(delta)}"
        print(f"δ {delta}, ties to think-off, mean over worlds and N: {figures}")
    off = {n: calibration(WORLDS | {"settled": settled}, n) for n in (4, 8, 16)}
    for n in (2, 4, 8, 16):
        coverage(WORLDS, n)
    for delta in (0.15, 0.5):
        fallbacks(WORLDS, 8, delta)
    ratio["calibration"] = 3 / off[8]
    ratio |= adaptive()
    ratio |= throughput(int(sys.argv[1]) if sys.argv[1:] else ROLLOUTS)
    print(json.dumps({"benchmark": "decisions", "ratio": ratio, "goal": GOALS}))


def mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))


def in_expectation(delta: float) -> str:
    """Wrong modes of the rule margin over draws of rollouts, exactly, and over `DRAWS` draws of the problems."""
    found = []
    for draw in range(DRAWS):
        shares = []
        for seed, made in enumerate(WORLDS.values()):
            on, off = made(np.random.default_rng([draw, seed]))
            for n in NS:
                of_on, of_off = binomial_at(n, on), binomial_at(n, off)
                above = np.concatenate([of_on[:, ::-1].cumsum(axis=1)[:, ::-1], np.zeros((len(on), 1))], axis=1)
                least = [min(n + 1, int(right + n * decimal(delta)) + 1) for right in range(n + 1)]
                thinks = (of_off * above[:, least]).sum(axis=1)
                shares.append(np.where(on - off > delta, 1 - thinks, thinks).mean())
        found.append(100 * float(np.mean(shares)))
    return f"{np.mean(found):.2f} ± {np.std(found, ddof=1) / DRAWS**0.5:.2f} %"


def binomial_at(n: int, rates: Floats) -> Floats:
    """Probabilities of 0 to n right ones at each of the rates, shape (problems, n + 1)."""
    right, p = np.arange(n + 1), rates.clip(1e-12, 1 - 1e-12)[:, None]
    found: Floats = np.exp(right * np.log(p) + (n - right) * np.log1p(-p)) * [comb(n, each) for each in right]
    return found


RULES = ["before", "margin", "posterior"]


def measured() -> Iterator[dict[str, Any]]:
    """Shares of wrong modes by world, N and δ."""
    for seed, name in enumerate(WORLDS):
        made = world(name, seed)
        for n in NS:
            rollouts = made.rollouts.filter(pl.col("index") < n).lazy()
            problems = pl.LazyFrame({"problem_id": ids(), "kind": "math", "source": name})
            tables = problems, rollouts.select(ROLLOUT_COLUMNS), rollouts.select(VERDICT_COLUMNS)
            config = SelectConfig(random_fraction=0)
            posterior = config.model_copy(update={"rule": "posterior"})
            priors = Priors(tuple(fit(cells(*tables, posterior, 0).collect())))
            for delta in DELTAS:
                gains = made.on - made.off > delta
                row: dict[str, Any] = {"world": name, "n": n, "delta": delta}
                for rule, ruled in (
                    ("before", config.model_copy(update={"delta": delta - 1e-9})),  # ties went to think-on
                    ("margin", config.model_copy(update={"delta": delta})),
                    ("posterior", posterior.model_copy(update={"delta": delta})),
                ):
                    decided = select(*tables, ruled, 0, priors=priors).collect()
                    asks_on = decided["rule"].is_in(["margin", "fallback_off"]).to_numpy()
                    row[rule] = float((asks_on != gains).mean())
                    kept, thinks = (
                        decided["mode"].is_not_null().to_numpy(),
                        (decided["mode"] == Mode.THINK_ON).to_numpy(),
                    )
                    row[f"kept {rule}"] = float((thinks[kept] != gains[kept]).mean())
                yield row


def ids() -> list[str]:
    """Of the problems, in order."""
    return [f"{number:032x}" for number in range(PROBLEMS)]


def polar(rng: np.random.Generator) -> tuple[Floats, Floats]:
    off = rng.beta(0.4, 0.5, PROBLEMS)
    return off + (1 - off) * rng.beta(1, 1.5, PROBLEMS), off


def middle(rng: np.random.Generator) -> tuple[Floats, Floats]:
    off = rng.beta(2, 2, PROBLEMS)
    return np.clip(off + rng.normal(0.12, 0.18, PROBLEMS), 0, 1), off


def uniform(rng: np.random.Generator) -> tuple[Floats, Floats]:
    return rng.random(PROBLEMS), rng.random(PROBLEMS)


def mixed(rng: np.random.Generator) -> tuple[Floats, Floats]:
    shares, ons, offs = zip(*CORPORA["mixed"], strict=True)
    kind = rng.choice(len(shares), PROBLEMS, p=shares)
    on, off = ([rng.beta(*each[k]) for k in kind] for each in (ons, offs))
    return np.array(on), np.array(off)


def settled(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Thinking is nearly always right, answering at once nearly always or nearly never."""
    return rng.beta(6, 0.3, PROBLEMS), rng.beta(0.12, 0.14, PROBLEMS)


WORLDS = {"polar": polar, "middle": middle, "uniform": uniform, "mixed": mixed}


def world(name: str, seed: int) -> World:
    """One of `WORLDS`, its rollouts in the columns of `ROLLOUT_COLUMNS` and `status`."""
    rng = np.random.default_rng(seed)
    on, off = WORLDS[name](rng)
    most = max(NS)
    parts, outcomes = [], {}
    for mode, rates in ((Mode.THINK_ON, on), (Mode.THINK_OFF, off)):
        outcomes[mode] = rng.random((PROBLEMS, most)) < rates[:, None]
        parts.append(
            pl.DataFrame(
                {
                    "problem_id": np.repeat(ids(), most),
                    "index": np.tile(np.arange(most), PROBLEMS),
                    "status": np.where(outcomes[mode].ravel(), "correct", "incorrect"),
                }
            ).with_columns(
                mode=pl.lit(mode.value),
                reasoning=pl.lit("r" if mode is Mode.THINK_ON else None, pl.String),
                answer=pl.lit("a"),
                finish_reason=pl.lit("stop"),
                completion_tokens=pl.lit(10, pl.Int64),
                max_tokens=pl.lit(100, pl.Int64),
                cap=pl.lit(None, pl.Int64),
            )
        )
    return World(on, off, pl.concat(parts), outcomes)


ADAPTIVE_N, ADAPTIVE_MOST, ADAPTIVE_PROBLEMS = 8, 4, 1_500


def adaptive() -> dict[str, float]:
    """Wrong modes where the rollouts of uniform N 8 are spent round by round over a shard of the first problems."""
    own = ids()[:ADAPTIVE_PROBLEMS]
    modes = pl.DataFrame({"mode": [str(mode) for mode in Mode]})
    even = [modes.join(pl.DataFrame({"problem_id": own, "n": n}), how="cross") for n in NS]
    found = []
    for seed, name in enumerate(WORLDS):
        made = world(name, seed)
        for delta in DELTAS:
            config = SelectConfig(random_fraction=0, delta=delta, rule="posterior")
            row: dict[str, Any] = {"world": name}
            for n, asked in [*zip(NS, even, strict=True), ("adaptive", spent(made, slice(len(own)), config))]:
                row[str(n)] = wrong_among(made, asked, config)
            found.append(row)
        at_8, spread = (mean(row[n] for row in found if row["world"] == name) for n in (f"{ADAPTIVE_N}", "adaptive"))
        print(
            f"{name:<8} uniform N {ADAPTIVE_N} → adaptive, mean over δ: {100 * at_8:.2f} → {100 * spread:.2f} %",
            flush=True,
        )
    at = {n: mean(row[str(n)] for row in found) for n in NS}
    wrong = mean(row["adaptive"] for row in found)
    equal = 2 ** float(np.interp(-wrong, [-at[n] for n in NS], np.log2(NS)))
    print(f"adaptive: {100 * at[ADAPTIVE_N]:.2f} → {100 * wrong:.2f} %, which takes uniform N {equal:.1f}")
    return {"adaptive": at[ADAPTIVE_N] / wrong, "adaptive_saved": 1 - ADAPTIVE_N / equal}


def wrong_among(made: World, asked: pl.DataFrame, config: SelectConfig) -> float:
    """Share of wrong modes where problems have so many rollouts: columns problem_id, mode, n."""
    rollouts = made.rollouts.join(asked, on=["problem_id", "mode"]).filter(pl.col("index") < pl.col("n"))
    own = asked["problem_id"].unique().sort()
    problems = pl.LazyFrame({"problem_id": own, "kind": "math", "source": "made-up"})
    tables = problems, rollouts.select(ROLLOUT_COLUMNS).lazy(), rollouts.select(VERDICT_COLUMNS).lazy()
    priors = Priors(tuple(fit(cells(*tables, config, 0).collect())))
    decided = select(*tables, config, 0, priors=priors).collect().sort("problem_id")
    asks_on = decided["rule"].is_in(["margin", "fallback_off"]).to_numpy()
    return float((asks_on != (made.on - made.off > config.delta)[: len(own)]).mean())


def spent(made: World, rows: slice, config: SelectConfig) -> pl.DataFrame:
    """Rollouts that problems of a shard are given: columns problem_id, mode, n."""
    own = ids()[rows]
    right = {
        mode: np.pad(made.right[mode][rows].cumsum(axis=1), ((0, 0), (1, 0))) for mode in Mode
    }  # by how many there are
    n = {mode: np.zeros(len(own), np.int64) for mode in Mode}
    terms = Terms(config, ADAPTIVE_N, ADAPTIVE_N, ADAPTIVE_MOST)
    while True:
        each = {mode: right[mode][np.arange(len(own)), n[mode]] for mode in Mode}
        on, off = Mode.THINK_ON, Mode.THINK_OFF
        counted = pl.DataFrame(
            {"problem_id": own, "asked_on": n[on], "asked_off": n[off], "n_on": n[on], "n_off": n[off]}
        ).with_columns(right_on=pl.lit(pl.Series(each[on])), right_off=pl.lit(pl.Series(each[off])), drawn=False)
        more = further(counted, terms)
        if not any(given.any() for given in more.values()):
            return pl.concat(pl.DataFrame({"problem_id": own, "mode": mode.value, "n": n[mode]}) for mode in Mode)
        n = {mode: n[mode] + more[mode] for mode in Mode}


def throughput(rollouts: int) -> dict[str, float]:
    """Rows per second and peak memory of both rules, each measured in a process of its own, in turns."""
    found: dict[str, list[dict[str, Any]]] = {"margin": [], "posterior": []}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        generate(Path(folder), max(1, rollouts // (2 * ROLLOUTS_A_MODE * PROBLEMS_A_SHARD)))
        for order in (["margin", "posterior"], ["posterior", "margin"]):
            for rule in order:
                found[rule].append(child(rule, Path(folder)))
    rate = {rule: max(each["rows"] / each["seconds"] for each in runs) for rule, runs in found.items()}
    peak = {rule: min(each["peak_gib"] for each in runs) for rule, runs in found.items()}
    for rule in found:
        say(f"{rule}: {rate[rule]:,.0f} rows/s, peak {peak[rule]:.2f} GiB")
    return {"rows_per_s": rate["posterior"] / rate["margin"], "memory": peak["margin"] / peak["posterior"]}


def selected(data: Path, rule: str) -> dict[str, Any]:
    """Selects shard by shard, from Parquet to Parquet, after fitting the prior where the rule asks one."""
    config = SelectConfig.model_validate({"random_fraction": 0.0, "rule": rule})
    started = time.perf_counter()
    rows = 0
    priors: Priors | None = None
    shards = sorted(path.name[:5] for path in data.glob("*.problems.parquet"))
    if config.by_posterior:
        counted = [cells(*tables(data, shard), config, 0).collect() for shard in shards]
        priors = Priors(tuple(fit(added(counted))))
    for shard in shards:
        problems, rollouts, verdicts = tables(data, shard)
        chosen = select(
            problems, rollouts.select(ROLLOUT_COLUMNS), verdicts.select(VERDICT_COLUMNS), config, 0, priors=priors
        ).collect()
        chosen.write_parquet(data / f"{shard}.{rule}.parquet")
        rows += 2 * ROLLOUTS_A_MODE * chosen.height
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": time.perf_counter() - started, "rows": rows, "peak_gib": peak}


def tables(data: Path, shard: str) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    """Problems with a made-up source, rollouts and verdicts."""
    problems = pl.scan_parquet(data / f"{shard}.problems.parquet").with_columns(source=pl.lit("made-up"))
    rollouts, verdicts = (pl.scan_parquet(data / f"{shard}.{name}.parquet") for name in ("rollouts", "verdicts"))
    return problems, rollouts, verdicts


if __name__ == "__main__":
    main()
