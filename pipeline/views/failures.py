"""Requests that failed and rows that were refused, in the words of whoever refused them."""

from collections import Counter
from collections.abc import Sequence

from hipo_data.pipeline.graph.states import load_present_manifests
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import whole_table
from hipo_data.pipeline.views.ingest_report import accounts_of
from hipo_data.pipeline.views.quarantine import quarantine_counts
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.records import FinishReason, Mode
from hipo_data.stages.sample.shown import Shown


def shown_by_mode(manifests: dict[str, Manifest], modes: Sequence[Mode] = ()) -> dict[Mode, Shown]:
    """What rollouts so far show of their mode, by counts of finished nodes, in the order of `modes`, then by name."""
    found: dict[Mode, Shown] = {}
    for name, manifest in manifests.items():
        stage, _, rest = name.partition(".")
        if stage == "sample":
            mode = Mode(rest.partition("/")[0])
            found[mode] = found.get(mode, Shown()) + Shown.of_counts(manifest.counts)
    order = dict.fromkeys([*modes, *Mode, *sorted(found)])
    return {mode: found[mode] for mode in order if mode in found}


def failed_requests(run_dir: RunPath, damaged: list[DamagedError] | None = None) -> list[tuple[str, str, int]]:
    """What failed requests for rollouts were told, in which mode and how often, the most frequent first.

    Damaged files are left out and go to the list `damaged`; where there is none, the first one is raised.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for manifest in load_present_manifests(run_dir, damaged=damaged).values():
        if manifest.node.startswith("sample.") and manifest.counts.get("failed"):
            output = manifest.outputs["rows"]
            try:
                table = whole_table(run_dir / output.path, output, ["mode", "finish_reason", "error"])
            except DamagedError as error:
                if damaged is None:
                    raise
                damaged.append(error)
                continue
            rows = table.to_pylist()
            counts.update(
                (row["error"] or "no words", row["mode"])
                for row in rows
                if FinishReason(row["finish_reason"]).is_failure
            )
    return [(error, mode, count) for (error, mode), count in counts.most_common()]


def nothing_kept(run_dir: RunPath, ingest: Manifest) -> str:
    """That ingest kept no row, and why."""
    why = accounts_of(run_dir, ingest).none_accepted
    if why:
        return "; ".join(why)
    rejected = ingest.outputs.get("rejected")
    reasons = quarantine_counts(run_dir, [rejected]) if rejected else {}
    counts = ", ".join(f"{reason.partition(': ')[2]} {count}" for reason, count in reasons.items())
    said = counts or "there is no row in them"
    detail = _first_words(run_dir, ingest)
    return f"0 of {ingest.rows_in} rows of the sources became problems: {said}{f' ({detail})' if detail else ''}"


def _first_words(run_dir: RunPath, ingest: Manifest) -> str:
    rejected = ingest.outputs.get("rejected")
    if rejected is None or not rejected.rows:
        return ""
    row = whole_table(run_dir / rejected.path, rejected).slice(0, 1).to_pylist()[0]
    return str(row.get("detail") or "")
