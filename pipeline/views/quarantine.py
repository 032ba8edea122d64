"""Rows that no stage passed on."""

from collections import Counter
from collections.abc import Iterable

from hipo_data.pipeline.graph.states import load_present_manifests
from hipo_data.pipeline.store.files import read_table
from hipo_data.pipeline.store.run_path import RunPath


def rejected_files(run_dir: RunPath, *, unlisted: bool = False) -> list[RunPath]:
    """The tables of rejected rows, by node. A stale one, whose node was done again since, is in no manifest.

    `unlisted` as `load_manifests` has it.
    """
    manifests = load_present_manifests(run_dir, unlisted=unlisted)
    outputs = [manifest.outputs for _, manifest in sorted(manifests.items())]
    return [run_dir / of_node["rejected"].path for of_node in outputs if "rejected" in of_node]


def quarantine_counts(files: Iterable[RunPath]) -> dict[str, int]:
    """Rejected rows in such tables by `stage: reason`."""
    counts: Counter[str] = Counter()
    for path in files:
        rows = read_table(path, ["stage", "reason"])
        counts.update(f"{stage}: {reason}" for stage, reason in zip(*rows.to_pydict().values(), strict=True))
    return dict(counts.most_common())
