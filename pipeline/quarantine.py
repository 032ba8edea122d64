"""Rows that no stage passed on."""

from collections import Counter
from pathlib import Path

from pipeline.store import read_table


def quarantine_counts(run_dir: Path) -> dict[str, int]:
    """Rejected rows of the whole run by `stage: reason`."""
    counts: Counter[str] = Counter()
    for path in sorted(run_dir.glob("*/*rejected.parquet")):
        rows = read_table(path, ["stage", "reason"])
        counts.update(f"{stage}: {reason}" for stage, reason in zip(*rows.to_pydict().values(), strict=True))
    return dict(counts.most_common())
