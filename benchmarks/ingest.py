"""Rows per second of ingest, beside the usual way of doing the same with `datasets`, over generated rows in the shapes
of the four sources: read, normalise, name by hash, keep each question once, write Parquet.

rows_per_s: ingest against `load_dataset`, `map`, `filter` with Python functions, over the same files. Ingest also
parses golds, merges provenance and quarantines, which the other does not; filters and near-duplicates are off in both.
linear: the slowest over the fastest rows/s at 100k, 500k and 2M rows.
memory: 2 GiB over the peak at 2M rows, of the process that ingests.

Each measurement is a process of its own. Ends with a line of JSON. A number as argument is the most rows to try.
"""

import json
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from _child import child, say

GOALS = {"rows_per_s": 10.0, "linear": 0.85, "memory": 1.0}
SIZES = (100_000, 500_000, 2_000_000)
COMPARED = 500_000
ROUNDS = 3
SHARES = {"am_thinking": 0.45, "acereason": 0.12, "skywork": 0.23, "ii_thought": 0.20}
CODE_SHARE = 0.1
AGAIN_SHARE = 0.1
"""Rows whose question an earlier row brought, in other dress."""


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps({"ours": ours, "usual": usual}[sys.argv[2]](Path(sys.argv[3]))))
        return
    sizes = [size for size in SIZES if size <= int(sys.argv[1])] if sys.argv[1:] else list(SIZES)
    rates: dict[int, list[float]] = {}
    peak = 0.0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        for size in sizes:
            data = Path(folder) / str(size)
            generate(data, size)
            for _ in range(ROUNDS):
                found = child("ours", data)
                rates.setdefault(size, []).append(size / found["seconds"])
                rate = size / found["seconds"]
                say(f"{size:>9,} rows: {rate:>9,.0f} rows/s, peak {found['peak_gib']:.2f} GiB")
                peak = found["peak_gib"]
            if size == min(COMPARED, sizes[-1]):
                other = child("usual", data)
                if other["problems"] != found["problems"]:
                    sys.exit(f"the usual way keeps {other['problems']} problems, ingest {found['problems']}")
                rate = size / other["seconds"]
                say(f"{size:>9,} rows: {rate:>9,.0f} rows/s the usual way; {other['problems']:,} problems")
                ratio = statistics.median(rates[size]) * other["seconds"] / size
            shutil.rmtree(data)
    medians = [statistics.median(found) for found in rates.values()]
    ratios = {"rows_per_s": ratio, "linear": min(medians) / max(medians), "memory": 2.0 / peak}
    print(json.dumps({"benchmark": "ingest", "ratio": ratios, "goal": GOALS, "peer": {"rows_per_s": "datasets"}}))


def ours(data: Path) -> dict[str, Any]:
    from pydantic import TypeAdapter

    from hipo_data.graders import Grader
    from hipo_data.pipeline.store.files import parquet_bytes
    from hipo_data.schemas.config import IngestConfig, SourceConfig
    from hipo_data.schemas.grading import GradingConfig
    from hipo_data.stages.ingest.filters import rules
    from hipo_data.stages.ingest.ingest import Sinks, ingest
    from hipo_data.stages.ingest.origins import open_source

    config = IngestConfig(shard_size=8192, near_duplicates=None, filters={rule.name: False for rule in rules()})
    found: list[Any] = [
        TypeAdapter(SourceConfig).validate_python({"type": kind, "path": f"{data}/{kind}/*"}) for kind in SHARES
    ]
    out = data / "out"
    out.mkdir()
    rejected = 0

    def write(bits: int, index: int, table: pa.Table) -> None:
        (out / f"{index}.parquet").write_bytes(parquet_bytes(table))

    def reject(table: pa.Table) -> None:
        nonlocal rejected
        rejected += table.num_rows

    started = time.perf_counter()
    sinks = Sinks(shard=write, responses=write, rejected=reject)
    with Grader(GradingConfig()) as grader:
        sources = [open_source(source, config, None) for source in found]
        accounts = ingest(sources, config, 0, data / "work", grader, sinks)
    seconds = time.perf_counter() - started
    shutil.rmtree(out)
    shutil.rmtree(data / "work")
    if rejected:
        sys.exit(f"{rejected} generated rows were refused: {dict(accounts.refused)}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "problems": accounts.problems, "peak_gib": peak}


def usual(data: Path) -> dict[str, Any]:
    import datasets

    datasets.disable_progress_bars()
    started = time.perf_counter()
    parts = []
    for kind, draft in {"am_thinking": _am, "acereason": _ace, "skywork": _sky, "ii_thought": _ii}.items():
        for path in sorted((data / kind).iterdir()):
            builder = "parquet" if path.suffix == ".parquet" else "json"
            rows = datasets.load_dataset(builder, data_files=str(path), split="train", cache_dir=str(data / "cache"))
            parts.append(rows.map(lambda row, draft=draft: _named(*draft(row)), remove_columns=rows.column_names))
    seen: set[str] = set()

    def is_new(row: dict[str, Any]) -> bool:
        new = row["problem_id"] not in seen
        seen.add(row["problem_id"])
        return new

    kept = datasets.concatenate_datasets(parts).filter(is_new)
    kept.to_parquet(data / "kept.parquet")
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "problems": len(kept)}


def _named(question: str, gold: str) -> dict[str, str]:
    """What `schemas.keys` does, as one would write it for one row."""
    import hashlib
    import re
    import unicodedata

    normal = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", question)).strip().lower()
    return {"problem_id": hashlib.sha256(normal.encode()).hexdigest()[:32], "question": question, "gold": gold}


def _am(row: dict[str, Any]) -> tuple[str, str]:
    human, assistant = row["conversations"]
    info = assistant["info"]
    return human["value"], info["ground_truth"] or info["test_case"]


def _ace(row: dict[str, Any]) -> tuple[str, str]:
    return row["problem"], row["answer"]


def _sky(row: dict[str, Any]) -> tuple[str, str]:
    return row["prompt"][0]["content"], row["reward_model"]["ground_truth"]


def _ii(row: dict[str, Any]) -> tuple[str, str]:
    return row["problem"], json.dumps(json.loads(row["verification_info"])["answer"])


def generate(folder: Path, rows: int) -> None:
    """Files of the four sources in their shapes, `rows` rows together."""
    started = time.perf_counter()
    rng = random.Random(rows)
    questions = _questions(rng)
    for kind, share in SHARES.items():
        (folder / kind).mkdir(parents=True)
        count = round(rows * share)
        made = (_SHAPES[kind](rng, *next(questions)) for _ in range(count))
        if kind in ("am_thinking", "acereason"):
            with (folder / kind / "math.jsonl").open("w") as file:
                file.writelines(json.dumps(row) + "\n" for row in made)
        else:
            _write_parquet(folder / kind / "train.parquet", made)
    say(f"{rows:>9,} rows generated in {time.perf_counter() - started:.0f} s")


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    writer = None
    while batch := [row for row, _ in zip(rows, range(20_000), strict=False)]:
        table = pa.Table.from_pylist(batch, schema=writer.schema if writer else None)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def _questions(rng: random.Random) -> Iterator[tuple[str, str, bool]]:
    """Question, gold and whether it is code; about 45 words, as long as those of MATH."""
    earlier: list[tuple[str, str, bool]] = []
    number = 0
    while True:
        number += 1
        if earlier and rng.random() < AGAIN_SHARE:
            question, gold, is_code = rng.choice(earlier)
            yield question.upper().replace(" ", "  "), gold, is_code
            continue
        is_code = rng.random() < CODE_SHARE
        words = " ".join(rng.choices(_WORDS, k=40))
        symbol = "é" if number % 20 == 0 else "x"
        question = f"Let ${symbol}_{{{number}}} = \\frac{{{rng.randrange(999)}}}{{7}}$.\nIf {words}, find ${symbol}$."
        gold = _tests(rng) if is_code else rng.choice(_ANSWERS) % rng.randrange(10_000)
        if len(earlier) < 100_000:
            earlier.append((question, gold, is_code))
        yield question, gold, is_code


_WORDS = [a + b for a in ("tri", "rec", "poly", "num", "qua", "sum", "pro", "int", "fac", "dis") for b in (
    "angle", "gon", "ber", "tor", "duct", "egral", "tance", "s", "ity", "ed", "ing", "al")]  # fmt: skip
_ANSWERS = ["%d", "\\frac{%d}{11}", "%d\\sqrt{3}", "(%d, 2)", "x = %d"]


def _tests(rng: random.Random) -> str:
    cases = [[str(rng.randrange(10**9)) for _ in range(8)] for _ in range(8)]
    inputs = [f"{len(case)}\n{' '.join(case)}\n" for case in cases]
    return json.dumps({"inputs": inputs, "outputs": [f"{max(map(int, case))}\n" for case in cases]})


def _am_row(rng: random.Random, question: str, gold: str, is_code: bool) -> dict[str, Any]:
    thought = " ".join(rng.choices(_WORDS, k=150))
    info = {
        "source": "generated",
        "category": "code" if is_code else "math",
        "ground_truth": "" if is_code else gold,
        "test_case": gold if is_code else "",
        "think_content": thought,
        "answer_content": "done",
        "verify_score": 1.0,
        "model_name": "generated",
    }
    asked = {"from": "human", "value": question, "info": None}
    answered = {"from": "assistant", "value": f"<think>{thought}</think><answer>done</answer>", "info": info}
    return {"system": None, "conversations": [asked, answered]}


def _ace_row(rng: random.Random, question: str, gold: str, is_code: bool) -> dict[str, Any]:
    return {"problem": f"In short: {question}", "answer": "42" if is_code else gold}


def _sky_row(rng: random.Random, question: str, gold: str, is_code: bool) -> dict[str, Any]:
    return {
        "data_source": "generated",
        "prompt": [{"content": question, "role": "user"}],
        "ability": "code" if is_code else "math",
        "reward_model": {"ground_truth": gold if is_code else json.dumps([gold]), "style": "rule"},
        "extra_info": {
            "index": 1,
            "model_difficulty": {
                f"DeepSeek-R1-Distill-Qwen-{size}": rng.randrange(17) for size in ("1.5B", "7B", "32B")
            },
        },
    }


def _ii_row(rng: random.Random, question: str, gold: str, is_code: bool) -> dict[str, Any]:
    if is_code:
        tests = json.loads(gold)
        cases = [{"input": i, "output": o} for i, o in zip(tests["inputs"], tests["outputs"], strict=True)]
        info: dict[str, Any] = {"type": "code_verifiable", "answer": {"test_cases": cases, "language": "python"}}
    else:
        info = {"type": "math_verifiable", "answer": {"value": gold}}
    return {"id": f"generated-{rng.randrange(10**9)}", "problem": question, "data_source": "generated",
            "verification_info": json.dumps(info)}  # fmt: skip


_SHAPES = {"am_thinking": _am_row, "acereason": _ace_row, "skywork": _sky_row, "ii_thought": _ii_row}


if __name__ == "__main__":
    main()
