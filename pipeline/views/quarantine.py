"""Rows that no stage passed on."""

from collections import Counter
from collections.abc import Iterable

from hipo_data.pipeline.graph.nodes import PUBLISH
from hipo_data.pipeline.graph.states import load_present_manifests
from hipo_data.pipeline.store.manifest import Output
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import whole_table


def rejected_outputs(run_dir: RunPath, *, unlisted: bool = False, before_publish: bool = False) -> list[Output]:
    """The tables of rejected rows, by node. A stale one, whose node was done again since, is in no manifest.

    `unlisted` as `load_manifests` has it. `before_publish` leaves out that of publish, for publish itself.
    """
    manifests = load_present_manifests(run_dir, unlisted=unlisted)
    nodes = [name for name in sorted(manifests) if not (before_publish and name == PUBLISH.name)]
    outputs = [manifests[name].outputs for name in nodes]
    return [of_node["rejected"] for of_node in outputs if "rejected" in of_node]


def quarantine_counts(run_dir: RunPath, tables: Iterable[Output]) -> dict[str, int]:
    """Rejected rows in such tables by `stage: reason`. Raises `DamagedError` where one is not as it was written."""
    counts: Counter[str] = Counter()
    for output in tables:
        rows = whole_table(run_dir / output.path, output, ["stage", "reason"])
        counts.update(f"{stage}: {reason}" for stage, reason in zip(*rows.to_pydict().values(), strict=True))
    return dict(counts.most_common())
