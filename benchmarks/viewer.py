"""Milliseconds that the viewer takes for a page of a large run, beside one full read of its Parquet.

The run is made up: 100,000 problems with 8 rollouts a mode. A full read decodes every column of every table once, with
Polars on all cores, in a process of its own; the viewer is asked over HTTP as a browser asks it. Each ratio is the time
of the full read over that of the viewer, in the same minutes on the same machine.

first_page: from nothing known of the run to the first page, and the process has Polars imported, as for the full read.
filter: the slowest of the filters, rollouts' ones and a text in all responses included.
problem: the slowest of twenty problems' pages.

Ends with a line of JSON, which has the milliseconds too; a second for the first page and two for a filter are what a
reader should have on a machine without other work. Arguments: how many problems, and a folder to keep the run in.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
from _child import child, say

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

GOALS = {"first_page": 2.0, "filter": 1.0, "problem": 5.0}
PROBLEMS, N, BITS, WORDS = 100_000, 8, 9, 300
ROUNDS = 3
FILTERS = {
    "mode": "mode=think_off",
    "rule": "rule=margin&sort=-margin",
    "source, difficulty": "source=org%2Fcontests&difficulty_from=0.5&sort=difficulty",
    "verdict": "verdict=incorrect&of=think_on",
    "verdict, length": "verdict=correct&tokens_from=2500&sort=-tokens",
    "reason": "reason=match&finish=length",
    "last page": "page=2000",
    "text in a question": "text=What+is+77777+plus",
    "text in no response": "text=nowhere+to+be+found",
    "text in every response": "text=It+is",
}


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps({"full": full_read, "viewer": viewer}[sys.argv[2]](Path(sys.argv[3]))))
        return
    problems = int(sys.argv[1]) if sys.argv[1:] else PROBLEMS
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(sys.argv[2] if sys.argv[2:] else scratch) / f"run-{problems}"
        make(run, problems)
        rounds = [{name: child(name, run) for name in ("full", "viewer")} for _ in range(ROUNDS)]
    for each in rounds:
        say(f"full read {each['full']['ms']:,.0f} ms of {each['full']['gib']:.2f} GiB; {told(each['viewer'])}")
    typical = {
        name: statistics.median(each["viewer"][name] for each in rounds) for name in ("first_page", "filter", "problem")
    }
    full = statistics.median(each["full"]["ms"] for each in rounds)
    ratios = {name: full / ms for name, ms in typical.items()}
    shown = {name: round(ratio, 2) for name, ratio in ratios.items()}
    ms = {name: round(value) for name, value in {"full_read": full, **typical}.items()}
    print(json.dumps({"benchmark": "viewer", "ratio": shown, "goal": GOALS, "ms": ms, "rollouts": problems * 2 * N}))


def make(run: Path, problems: int) -> None:
    from tests.support.made_up_run import make_run

    if (run / "ingest" / "all.json").exists():
        return
    started = time.perf_counter()
    make_run(run, problems, n=N, bits=BITS, words=WORDS)
    say(f"{problems:,} problems with {2 * N} rollouts each made up in {time.perf_counter() - started:.0f} s")


def told(found: dict[str, Any]) -> str:
    filters = ", ".join(f"{name} {ms:,.0f}" for name, ms in found["filters"].items())
    return (
        f"viewer: first page {found['first_page']:,.0f} ms, slowest problem {found['problem']:,.0f}; filters: {filters}"
    )


def full_read(run: Path) -> dict[str, Any]:
    started = time.perf_counter()
    size = 0
    for path in sorted(run.glob("*/*.parquet")):
        pl.read_parquet(path)
        size += path.stat().st_size
    return {"ms": 1000 * (time.perf_counter() - started), "gib": size / 2**30}


def viewer(run: Path) -> dict[str, Any]:
    return asyncio.run(_asked(run))


async def _asked(run: Path) -> dict[str, Any]:
    import aiohttp
    from aiohttp import web

    from hipo_data.pipeline.viewer.server import Viewer
    from hipo_data.pipeline.viewer.shown_run import ShownRun

    started = time.perf_counter()
    shown = Viewer([await asyncio.to_thread(ShownRun, run)])
    runner = web.AppRunner(shown.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    start = f"http://127.0.0.1:{runner.addresses[0][1]}/{shown.token}/0/"
    async with aiohttp.ClientSession() as session:

        async def ms(address: str, since: float | None = None) -> float:
            since = time.perf_counter() if since is None else since
            async with session.get(start + address) as answer:
                page = await answer.text()
            if answer.status != 200 or "<main" not in page:
                sys.exit(f"{address}: {answer.status} {page[:300]}")
            return 1000 * (time.perf_counter() - since)

        first = await ms("", started)
        filters = {name: await ms(f"?{query}") for name, query in FILTERS.items()}
        ids = pl.read_parquet(run / "ingest" / f"{BITS:02d}-0007.parquet", columns=["problem_id"])["problem_id"]
        problems = [await ms(f"p/{each}") for each in ids.head(20)]
    await runner.cleanup()
    return {"first_page": first, "filters": filters, "filter": max(filters.values()), "problem": max(problems)}


if __name__ == "__main__":
    main()
