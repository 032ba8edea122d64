"""Rollouts per second of select, beside the same rule in pandas, over generated rollouts and verdicts.

Select goes from Parquet to Parquet, shard by shard, as the pipeline runs it. pandas gets the same files, fewer of them
since rows per second are what is compared, and has to keep the same rollouts.

rows_per_s: against a group-by with the rule written down as a function of one problem.
by_columns: against the fastest pandas that we could write, group-bys over columns without a function; no intervals.
memory: 4 GiB over the peak of the process that selects.

Each measurement is a process of its own. Ends with a line of JSON. A number as argument is how many rollouts to select.
"""

import json
import os
import resource
import statistics
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import polars as pl
from _child import child, say

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


PEERS = {"rows_per_s": "pandas", "by_columns": "pandas"}
GOALS = {"rows_per_s": 10.0, "by_columns": 2.0, "memory": 1.0}
ROLLOUTS = 10_000_000
N = 8
PROBLEMS_A_SHARD = 12_500  # 200,000 rollouts
PANDAS_SHARDS = 2
PANDAS_PROBLEMS = 1_500
"""Of the first shard, where pandas calls a function for each."""
ROUNDS = 3
WORDS = 60
_COLUMNS = ["problem_id", "mode", "index"]


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(SIDES[sys.argv[2]](Path(sys.argv[3]))))
        return
    wanted = int(sys.argv[1]) if sys.argv[1:] else ROLLOUTS
    ratios: dict[str, list[float]] = {"rows_per_s": [], "by_columns": []}
    peak = 0.0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        data = Path(folder)
        rows = generate(data, max(1, wanted // (2 * N * PROBLEMS_A_SHARD)))
        for number in range(ROUNDS):
            order = list(SIDES) if number % 2 else list(reversed(SIDES))  # they take turns at going first
            found = {name: child(name, data) for name in order}
            peak = max(peak, found["select"]["peak_gib"])
            rates = {name: each["rows"] / each["seconds"] for name, each in found.items()}
            for name, list_of in ratios.items():
                list_of.append(rates["select"] / rates[name])
                if found[name]["kept"] != found["select"]["kept"][name]:
                    sys.exit(f"{name}: pandas keeps {found[name]['kept']}, select {found['select']['kept'][name]}")
            said = ", ".join(f"{name} {rate:,.0f} of {found[name]['rows']:,}" for name, rate in rates.items())
            say(f"rows/s: {said}; peak {found['select']['peak_gib']:.2f} GiB")
    figures = {name: statistics.median(each) for name, each in ratios.items()} | {"memory": 4.0 / peak}
    said = {"benchmark": "selection", "ratio": figures, "goal": GOALS, "peer": PEERS}
    print(json.dumps(said | {"rows": rows, "gib": round(peak, 2)}))


def generate(data: Path, shards: int) -> int:
    """Problems, rollouts and verdicts of every shard; how many rollouts."""
    from tests.support.made_up_run import problem_rows, rollout_rows

    started = time.perf_counter()
    rows = 0
    everything = problem_rows(shards * PROBLEMS_A_SHARD).sort("problem_id")
    for shard, problems in enumerate(everything.iter_slices(PROBLEMS_A_SHARD)):
        rollouts = rollout_rows(problems, N, WORDS)
        rows += rollouts.height
        problems.select("problem_id", "kind").write_parquet(data / f"{shard:05d}.problems.parquet")
        rollouts.drop("status", "level", "kind").write_parquet(data / f"{shard:05d}.rollouts.parquet")
        rollouts.select(*_COLUMNS, "status").write_parquet(data / f"{shard:05d}.verdicts.parquet")
    say(f"{rows:,} rollouts in {shards} shards generated in {time.perf_counter() - started:.0f} s")
    return rows


def ours(data: Path) -> dict[str, Any]:
    from hipo_data.schemas.config import SelectConfig
    from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select

    config = SelectConfig(random_fraction=0.0)
    started = time.perf_counter()
    rows = 0
    for problems in sorted(data.glob("*.problems.parquet")):
        shard = problems.name[:5]
        parts = {name: pl.scan_parquet(data / f"{shard}.{name}.parquet") for name in ("rollouts", "verdicts")}
        rollouts, verdicts = parts["rollouts"].select(ROLLOUT_COLUMNS), parts["verdicts"].select(VERDICT_COLUMNS)
        decisions = select(pl.scan_parquet(problems), rollouts, verdicts, config, 0).collect()
        decisions.write_parquet(data / f"{shard}.decisions.parquet")
        rows += 2 * N * decisions.height
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    first = [pl.read_parquet(data / f"{shard:05d}.decisions.parquet") for shard in range(_compared(data))]
    kept = {"by_columns": _kept(pl.concat(first)), "rows_per_s": _kept(first[0].head(PANDAS_PROBLEMS))}
    return {"seconds": seconds, "rows": rows, "peak_gib": peak, "kept": kept}


def _compared(data: Path) -> int:
    """Shards that pandas gets too."""
    return min(PANDAS_SHARDS, len(list(data.glob("*.problems.parquet"))))


def _kept(decisions: pl.DataFrame) -> list[int]:
    """How many problems are kept, and a checksum of their modes and rollouts."""
    kept = decisions.filter(pl.col("mode").is_not_null()).select("problem_id", "mode", pl.col("index").cast(pl.Int64))
    return [kept.height, zlib.crc32(json.dumps(kept.sort("problem_id").rows()).encode())]


def by_columns(data: Path) -> dict[str, Any]:
    started = time.perf_counter()
    found = []
    for shard in range(_compared(data)):
        problems, rollouts = _read_in_pandas(data, shard)
        found.append(_decide_by_columns(problems, rollouts))
        found[-1].to_parquet(data / f"{shard:05d}.pandas.parquet")
    seconds = time.perf_counter() - started
    decided = pl.concat([pl.from_pandas(each) for each in found])
    return {"seconds": seconds, "rows": 2 * N * decided.height, "kept": _kept(decided)}


def by_function(data: Path) -> dict[str, Any]:
    problems, rollouts = _read_in_pandas(data, 0)
    rollouts = rollouts[rollouts["problem_id"].isin(problems["problem_id"][:PANDAS_PROBLEMS])]
    started = time.perf_counter()
    decided = rollouts.groupby("problem_id")[list(rollouts.columns)[1:]].apply(_decide_one).reset_index()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "rows": len(rollouts), "kept": _kept(pl.from_pandas(decided))}


def _read_in_pandas(data: Path, shard: int) -> tuple[Any, Any]:
    """Problems, and rollouts with `known`, `right` and `usable`."""
    import pandas as pd

    problems, rollouts, verdicts = (
        pd.read_parquet(data / f"{shard:05d}.{name}.parquet") for name in ("problems", "rollouts", "verdicts")
    )
    rows = rollouts.merge(verdicts, on=_COLUMNS, how="left", validate="1:1")
    tagged = sum(rows[part].fillna("").str.contains(_TAGS, regex=True) for part in ("reasoning", "answer")) > 0
    keeps_mode = (rows["mode"] == "think_on") == rows["reasoning"].notna()
    rows["known"] = rows["status"].isin(["correct", "incorrect"]) & rows["cap"].isna()
    rows["right"] = (rows["status"] == "correct") & rows["cap"].isna()
    rows["usable"] = (rows["status"] == "correct") & (rows["finish_reason"] == "stop") & keeps_mode & ~tagged
    return problems, rows


def _decide_one(group: Any) -> Any:
    """HiPO's rule for the rollouts of one problem."""
    import pandas as pd

    rates, picks = {}, {}
    for mode, part in group.groupby("mode"):
        known, usable = part[part["known"]], part[part["usable"]]
        rates[mode] = known["right"].mean() if len(known) else None
        picks[mode] = usable.sort_values(["completion_tokens", "index"]).iloc[0] if len(usable) else None
    on, off = rates.get("think_on"), rates.get("think_off")
    if on is not None or off is not None:
        thinks = off is None or (on is not None and on - off >= DELTA - SLACK)
        for mode in ("think_on", "think_off") if thinks else ("think_off", "think_on"):
            if picks.get(mode) is not None:
                return pd.Series({"mode": mode, "index": int(picks[mode]["index"])})
    return pd.Series({"mode": None, "index": None})


def _decide_by_columns(problems: Any, rows: Any) -> Any:
    key = ["problem_id", "mode"]
    counts = rows.groupby(key).agg(n=("known", "sum"), right=("right", "sum"), tokens=("completion_tokens", "mean"))
    counts["p"] = counts["right"] / counts["n"].where(counts["n"] > 0)
    usable = rows[rows["usable"]].sort_values(["completion_tokens", "index"])
    shortest = usable.groupby(key)[["index", "completion_tokens"]].first()
    wide = counts.join(shortest).unstack("mode").reindex(problems["problem_id"])
    on, off = wide["p"]["think_on"], wide["p"]["think_off"]
    pick_on, pick_off = wide["index"]["think_on"], wide["index"]["think_off"]
    thinks = on.notna() & (off.isna() | (on - off >= DELTA - SLACK))
    graded = on.notna() | off.notna()
    chosen_on = graded & pick_on.notna() & (thinks | pick_off.isna())
    chosen_off = graded & pick_off.notna() & ~chosen_on
    modes = thinks.astype(object).mask(chosen_on, "think_on").mask(chosen_off, "think_off")
    modes = modes.where(chosen_on | chosen_off, None)
    return modes.rename("mode").to_frame().assign(index=pick_on.where(chosen_on, pick_off)).reset_index()


_TAGS = "|".join(f"</?{tag}>" for tag in ("judge", "think_on", "think_off", "think", "answer"))
DELTA, SLACK = 0.15, 1e-9
SIDES = {"select": ours, "by_columns": by_columns, "rows_per_s": by_function}


if __name__ == "__main__":
    main()
