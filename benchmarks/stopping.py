"""Tokens that stopping when decided saves, at an identical selection.

Each figure is completion tokens of full sampling over those of `sample.stop: decided` (or `likely`, at an error of
5 %): on the quickstart's own rollouts, and on simulated corpora of 4,000 problems, 8 rollouts a mode, think-on about
ten times as long as think-off. Each problem's choice is compared with full sampling's before it counts.

    python benchmarks/stopping.py
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from hipo_data.schemas.arrow import from_table
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode, Rollout, Status, Verdict
from hipo_data.stages.stopping.calibration import calibrated
from hipo_data.stages.stopping.deciding import Rules
from hipo_data.stages.stopping.waves import Key, Outcome, Plan, outcome_of, walk

PROBLEMS, N = 4_000, 8
ALPHA = 0.05
ROOT = Path(__file__).resolve().parent.parent
PLAN = Plan(Rules(SelectConfig(random_fraction=0)), n_on=N, n_off=N)

# Beta parameters of the pass rates, think-on and think-off, by share of the corpus.
CORPORA = {
    "easy": [(0.7, (18, 2), (16, 4)), (0.3, (8, 2), (5, 5))],
    "mixed": [(0.35, (18, 2), (16, 4)), (0.4, (6, 2), (2, 6)), (0.25, (1, 6), (1, 20))],
    "hard": [(0.1, (18, 2), (16, 4)), (0.4, (3, 3), (1, 9)), (0.5, (1, 9), (1, 30))],
}
GOALS = {"quickstart": 1.2, "easy": 1.5, "mixed": 1.2, "hard": 1.05, "mixed_likely": 1.3}


def main() -> None:
    ratio = {"quickstart": saved(PLAN, quickstart())}
    for seed, name in enumerate(CORPORA):
        ratio[name] = saved(PLAN, simulated(name, seed))
    ratio["mixed_likely"] = saved(calibrated(PLAN, ALPHA), simulated("mixed", 1), exact=False)
    for name, value in ratio.items():
        print(f"{name:<14} {100 * (1 - 1 / value):5.1f} % of the tokens saved")
    print(json.dumps({"benchmark": "stopping", "ratio": ratio, "goal": GOALS}))


def saved(plan: Plan, problems: Iterator[Mapping[Key, Outcome]], *, exact: bool = True) -> float:
    """Tokens of full sampling over those of stopped sampling. Think-off is sampled in full by both."""
    full = stopped = other = count = 0
    for outcomes in problems:
        count += 1
        given = {key: each._replace(given=key[0] is Mode.THINK_OFF) for key, each in outcomes.items()}
        everything = {key: each._replace(given=True) for key, each in outcomes.items()}
        all_of_it, part = walk(PLAN, everything), walk(plan, given)
        assert all_of_it.choice is not None
        assert part.choice is not None
        same = (all_of_it.choice.mode, all_of_it.index) == (part.choice.mode, part.index)
        assert same or not exact
        other += not same
        full += sum(each.tokens for each in outcomes.values())
        stopped += sum(each.tokens for (mode, _), each in outcomes.items() if mode is Mode.THINK_OFF)
        for ask in part.asked:
            tokens = outcomes[ask.key].tokens
            stopped += tokens if ask.cap is None else min(tokens, ask.cap + 1)
    if not exact:
        print(f"likely: another choice for {100 * other / count:.1f} % of the problems", file=sys.stderr)
    return full / stopped


def simulated(name: str, seed: int) -> Iterator[dict[Key, Outcome]]:
    rng = np.random.default_rng(seed)
    shares = [share for share, _, _ in CORPORA[name]]
    for kind in rng.choice(len(shares), PROBLEMS, p=shares):
        _, on, off = CORPORA[name][kind]
        found: dict[Key, Outcome] = {}
        for mode, (a, b), typical in ((Mode.THINK_ON, on, 4_000), (Mode.THINK_OFF, off, 400)):
            right = rng.random(N) < rng.beta(a, b)
            lengths = rng.lognormal(np.log(typical), 0.6, N).astype(int) + 1
            for index, (good, tokens) in enumerate(zip(right.tolist(), lengths.tolist(), strict=True)):
                status = Status.CORRECT if good else Status.INCORRECT
                found[mode, index] = Outcome(status, good, tokens)
        yield found


def quickstart() -> Iterator[dict[Key, Outcome]]:
    """The outcomes of a real run, which is made where it is not there."""
    run = ROOT / "runs/quickstart"
    with tempfile.TemporaryDirectory() as folder:
        if not (run / "dataset").is_dir():
            run = Path(folder) / "run"
            command = [Path(sys.executable).with_name("hipo-data"), "run", "-c", "recipes/quickstart.yaml"]
            subprocess.run([*command, "--run-dir", run], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        rollouts, verdicts = (
            [
                record
                for mode in Mode
                for path in sorted((run / f"{stage}.{mode}").glob("??-????.parquet"))
                for record in from_table(pq.read_table(path, partitioning=None), kind)
            ]
            for stage, kind in (("sample", Rollout), ("verify", Verdict))
        )
    status = {(each.problem_id, each.mode, each.index): each.status for each in verdicts}
    problems: dict[str, dict[Key, Outcome]] = {}
    for rollout in rollouts:
        key = rollout.mode, rollout.index
        outcome = outcome_of(rollout, status[rollout.problem_id, *key], rollout.max_tokens)
        problems.setdefault(rollout.problem_id, {})[key] = outcome._replace(tokens=max(1, outcome.tokens))
    yield from problems.values()


if __name__ == "__main__":
    main()
