"""A run in which every text that came from a row, a model or a grader tries something."""

import json
from pathlib import Path

import polars as pl

from tests.support.made_up_run import make_run, replace_table

TRIES = [
    "\u202etxt.exe\u2066\u200b\x1b[31m\x00<script>window.harmed = 1; alert(1)</script>",
    '"><img src=x onerror="alert(2)"><svg onload=alert(3)>',
    "' onmouseover='alert(4)' style='position:fixed;inset:0",
    "<a href='javascript:alert(5)'>here</a> [there](javascript:alert(6)) <iframe src='http://192.0.2.1/'></iframe>",
    "</textarea></title></style></script><body onload=alert(7)><meta http-equiv=refresh content='0;url=//192.0.2.1/'>",
    "{{ 7 * 7 }} {% for x in y %} ${alert(8)} <!-- ",
    r"$\text{</mtext></math><script>alert(9)</script>}$ \(\href{javascript:alert(10)}{x}\) $$\style{inset:0}{y}$$",
    "```python\n<script>alert(11)</script>\n``` \\boxed{<img src=x onerror=alert(12)>}",
    "```<script>alert(13)</script>\n</code></pre><script>alert(14)</script>",
    '<link rel=stylesheet href="http://192.0.2.1/x.css"><style>@import "http://192.0.2.1/y.css"</style>',
    "x" * 100_000,
    "$" * 5_000 + "\\boxed{" * 5_000 + "\\(" * 5_000,
]
TEXT = "\n".join(TRIES)


def make_hostile_run(run_dir: Path) -> list[str]:
    """Writes it: four problems in one shard, a rollout a mode. The ids of its problems."""
    make_run(run_dir, 4, n=1, bits=0)
    for folder, files in {
        "ingest": [""], "sample.think_on": [""], "sample.think_off": [""], "verify.think_on": [""],
        "verify.think_off": [""], "select": [".picks"], "justify": ["", ".attempts"],
    }.items():  # fmt: skip
        for label in files:
            path = run_dir / folder / f"00-0000{label}.parquet"
            replace_table(run_dir, path, _hostile(pl.read_parquet(path)))
    return pl.read_parquet(run_dir / "ingest" / "00-0000.parquet")["problem_id"].to_list()


_KEPT = {"problem_id", "kind", "mode", "split", "status", "finish_reason", "format", "gold_source", "rule", "role"}


def _hostile(rows: pl.DataFrame) -> pl.DataFrame:
    texts = [name for name, kind in rows.schema.items() if kind == pl.String and name not in _KEPT]
    values = {name: pl.lit(TEXT) for name in texts}
    if "gold" in values:
        values["gold"] = pl.lit(json.dumps({"type": "math", "answers": TRIES[:-2]}))
    if "sources" in rows.columns:
        dataset, file = TRIES[0] + TRIES[1], TRIES[2]
        source = pl.element().struct.with_fields(dataset=pl.lit(dataset), file=pl.lit(file), licence=pl.lit(TRIES[3]))
        values["sources"] = pl.col("sources").list.eval(source)
    for name in ("reason", "model", "grader"):
        if name in values:
            values[name] = pl.lit(TRIES[1])
    return rows.with_columns(**values)
