"""Requests that failed and rows that were refused, in the words of whoever refused them."""

from collections import Counter

from hipo_data.pipeline.graph.states import load_present_manifests
from hipo_data.pipeline.store.files import read_table
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.views.quarantine import quarantine_counts
from hipo_data.schemas.records import FinishReason, Mode
from hipo_data.stages.sample.shown import Shown


def shown_by_mode(manifests: dict[str, Manifest]) -> dict[Mode, Shown]:
    """What all rollouts so far show of their mode, from the counts of finished nodes."""
    found: dict[Mode, Shown] = {}
    for name, manifest in manifests.items():
        stage, _, rest = name.partition(".")
        if stage == "sample":
            mode = Mode(rest.partition("/")[0])
            found[mode] = found.get(mode, Shown()) + Shown.of_counts(manifest.counts)
    return {mode: found[mode] for mode in Mode if mode in found}


def failed_requests(run_dir: RunPath) -> list[tuple[str, str, int]]:
    """What failed requests for rollouts were told, in which mode and how often, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for manifest in load_present_manifests(run_dir).values():
        if manifest.node.startswith("sample.") and manifest.counts.get("failed"):
            rows = read_table(run_dir / manifest.outputs["rows"].path, ["mode", "finish_reason", "error"]).to_pylist()
            counts.update(
                (row["error"] or "no words", row["mode"])
                for row in rows
                if FinishReason(row["finish_reason"]).is_failure
            )
    return [(error, mode, count) for (error, mode), count in counts.most_common()]


def nothing_kept(run_dir: RunPath, ingest: Manifest) -> str:
    """That ingest kept no row, and why."""
    rejected = ingest.outputs.get("rejected")
    reasons = quarantine_counts([run_dir / rejected.path]) if rejected else {}
    counts = ", ".join(f"{reason.partition(': ')[2]} {count}" for reason, count in reasons.items())
    said = counts or "the sources are empty"
    detail = _first_words(run_dir, ingest)
    return f"0 of {ingest.rows_in} rows of the sources became problems: {said}{f' ({detail})' if detail else ''}"


def _first_words(run_dir: RunPath, ingest: Manifest) -> str:
    rejected = ingest.outputs.get("rejected")
    if rejected is None or not rejected.rows:
        return ""
    row = read_table(run_dir / rejected.path).slice(0, 1).to_pylist()[0]
    return str(row.get("detail") or "")
