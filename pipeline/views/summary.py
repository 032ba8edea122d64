"""What a command prints of a run: the summary at its end, its plan, its status."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hipo_data.figures.plural import counted
from hipo_data.figures.text import number, percent
from hipo_data.pipeline.graph.nodes import INGEST, PAIR, PRIOR, Node, shard_nodes
from hipo_data.pipeline.graph.states import load_present_manifests, lost_manifests, shards_of
from hipo_data.pipeline.store.journal import whole_batches
from hipo_data.pipeline.store.ledger import read_spent
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import ASIDE
from hipo_data.pipeline.views.failures import failed_requests, shown_by_mode
from hipo_data.pipeline.views.plan import Plan
from hipo_data.pipeline.views.quarantine import quarantine_counts
from hipo_data.pipeline.views.run_files import read_statistics
from hipo_data.pipeline.watch.event_log import LastAttempt, damaged_lines, last_attempt
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.length_unit import lengths_of
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.statistics import Statistics
from hipo_data.stages.sample.shown import in_words
from hipo_data.stages.select.decision_words import priors_in_words
from hipo_data.stages.select.leaking import LEAKING

_NAMED = 5
"""Damaged files that are named, at most."""


def print_summary(console: Console, run_dir: RunPath, outcome: Outcome, seconds: float) -> None:
    """Problems, mode shares, pass rates, lengths, where things lie, and the next command to try."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for label, text in summary_figures(read_statistics(run_dir), outcome, run_dir).items():
        table.add_row(label, text)
    if not outcome.ran:
        console.print(f"Nothing to do: {_all_of(outcome.up_to_date)} up to date ({seconds:.1f} s).", highlight=False)
    else:
        done = ", ".join(f"{folder.replace('.think_', ' ')} {outcome.seconds[folder]:.1f}" for folder in outcome.ran)
        table.add_row("seconds", f"{seconds:.1f} in all; stages overlap: {done}")
    console.print(table, highlight=False)
    console.print(f"\nNext: {_command()} show {_relative(run_dir)}", highlight=False, soft_wrap=True)


def summary_figures(stats: Statistics, outcome: Outcome, run_dir: RunPath) -> dict[str, str]:
    """The lines of the summary by their names."""
    on = stats.modes.get("think_on", 0)
    dear, cheap = stats.sides
    share = percent(on / stats.examples if stats.examples else None)
    drops = ", ".join(f"{reason} {n}" for reason, n in stats.drops.items())
    figures = {
        "problems": f"{stats.problems} → {stats.examples} examples"
        + (f"; dropped: {drops}" if drops else "")
        + _quarantined(run_dir, outcome.rejected),
        **(
            {"modes": f"think-on {on} ({share}), think-off {stats.modes.get('think_off', 0)}"}
            if stats.is_pair
            else {"arms": stats.arms_in_words}
        ),
        "pass rates": f"{dear} {percent(stats.on.pass_rate)}, {cheap} {percent(stats.off.pass_rate)}",
        str(
            stats.lengths_in
        ): f"{dear} rollouts {number(stats.on.mean_tokens)}, {cheap} {number(stats.off.mean_tokens)}; "
        f"kept responses {number(stats.example_tokens)}, against {number(stats.always_on_tokens)} thinking every time",
    }
    if any(each.fewest < each.most for each in (stats.on, stats.off)):
        given = f"{dear} {stats.on.a_problem(stats.problems)}, {cheap} {stats.off.a_problem(stats.problems)}"
        figures["each got"] = f"{given} rollouts"
    if stats.priors:
        figures["priors"] = priors_in_words(stats.priors)
    if stats.mix:
        figures["mix"] = stats.mix.in_words
    if stats.fallbacks:
        figures["fallbacks"] = f"{stats.fallbacks.in_words}; select.fallback: drop leaves them out"
    if stats.pseudo_golds:
        figures["pseudo-golds"] = f"{stats.pseudo_golds} problems graded by agreement, {stats.pseudo_examples} examples"
    if outcome.sampled or outcome.reused:
        lost = (
            f"; {outcome.lost} were under way when an earlier attempt stopped and were sampled again"
            if outcome.lost
            else ""
        )
        figures["rollouts"] = f"{outcome.sampled} sampled, {outcome.reused} taken from earlier attempts{lost}"
    if outcome.saved_tokens:
        figures["stopped"] = (
            f"{outcome.unneeded} {'think-on ' if stats.is_pair else ''}rollouts were not needed; "
            f"about {outcome.saved_tokens:,} completion {stats.lengths_in} saved against full sampling, "
            "if those that were not asked would have been as long as those that were"
        )
    if outcome.shown:
        figures["shown"] = "; ".join(in_words(Mode(mode), seen) for mode, seen in sorted(outcome.shown.items()))
    if any(seen.failed or seen.empty for seen in outcome.shown.values()):
        told = "; ".join(
            f"{counted(n, mode.replace('_', '-') + ' request')}: {error}"
            for error, mode, n in failed_requests(run_dir)[:3]
        )
        figures["failed"] = f"{told}. The next run asks again where that may help, with --retry-failed for all"
    if outcome.tokens:
        figures["spent"] = f"{outcome.spent} in all"
    if outcome.damaged:
        figures["damaged"] = (
            f"{len(outcome.damaged)} files, now in {_relative(run_dir / ASIDE)}: {', '.join(outcome.damaged[:_NAMED])}"
            + (", …" if len(outcome.damaged) > _NAMED else "")
        )
    if outcome.leaking:
        figures["refused"] = f"{_refused(outcome.leaking)}; they count as unknown"
    unknown = stats.on.unknown + stats.off.unknown - outcome.leaking
    if unknown > 0:
        figures["unknown"] = f"{unknown} rollouts could not be graded and count in no pass rate"
    return figures | {"dataset": _relative(run_dir / "dataset"), "report": _relative(run_dir / "report.html")}


def _refused(leaking: int) -> str:
    return f"{leaking:,} think-off responses that think, in tags or aloud (select.leaking)"


def _quarantined(run_dir: RunPath, tables: Iterable[Output]) -> str:
    counts = quarantine_counts(run_dir, tables)
    return "; quarantined: " + ", ".join(f"{reason} {n}" for reason, n in counts.items()) if counts else ""


def print_plan(console: Console, plan: Plan, config: RunConfig, changes: list[str]) -> None:
    """A line a stage: what is up to date, what would run and why, and its cost."""
    for change in changes:
        console.print(f"changed: {change}", highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("stage", "shards", "up to date", "to run"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    units = {line.unit for line in plan.stages if line.requests is not None}
    (unit,) = units if len(units) == 1 else (("length",) if units else (lengths_of(config).unit,))
    for heading in ("requests", f"{unit} about", f"{unit} at most"):
        table.add_column(heading, justify="right")
    table.add_column("why", overflow="fold")
    for line in plan.stages:
        table.add_row(
            line.label,
            str(line.nodes),
            str(line.up_to_date),
            str(line.to_run),
            _count(line.requests),
            *(_count(value, line.unit if len(units) > 1 else "") for value in (line.tokens, line.tokens_at_most)),
            "; ".join(reason for reason, _ in line.reasons.most_common(3)),
        )
    console.print(table, highlight=False)
    for sentence in () if plan.hopeless else plan.none_accepted:
        console.print(sentence, highlight=False, soft_wrap=True)
    if plan.mix is not None:
        console.print(plan.mix, highlight=False, soft_wrap=True)
    if plan.ingest_first:
        console.print(
            "Ingest runs first; the stages after it are planned once it has. Each problem will get "
            f"{config.sample.count(Mode.THINK_ON)} think-on and "
            f"{config.sample.count(Mode.THINK_OFF)} think-off rollouts.",
            highlight=False,
        )
        if plan.expected is not None and not plan.hopeless:
            console.print(plan.expected.in_words, highlight=False)


def _modes_of(manifests: dict[str, Manifest]) -> tuple[Mode, ...]:
    """Those that are sampled, from cheap to dear where the manifests say in which order arms are."""
    named = next((manifest.parts["arms"].split() for manifest in manifests.values() if "arms" in manifest.parts), None)
    if named is not None:
        return tuple(Mode(name) for name in named)
    return (*PAIR, *(mode for mode in shown_by_mode(manifests) if mode not in PAIR))


def print_status(console: Console, run_dir: RunPath) -> None:
    """How far each stage is, from the files alone, and which damaged ones it could not count."""
    damaged: list[DamagedError] = []
    manifests = load_present_manifests(run_dir, damaged=damaged)
    damaged += lost_manifests(run_dir, manifests)
    shards = shards_of(manifests.get(INGEST.name))
    done: Counter[str] = Counter(name.partition("/")[0] for name in manifests)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("stage", "shards done", "rows out", "quarantined", "journalled"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    nodes = [
        Node("ingest", "all"),
        *[node for shard in shards[:1] for node in shard_nodes(shard, modes=_modes_of(manifests))],
        *([PRIOR] if done[PRIOR.folder] else []),
        Node("publish", "all"),
    ]
    for node in nodes:
        total = len(shards) if node.shard != "all" else 1
        of_folder = [manifest for name, manifest in manifests.items() if name.startswith(node.folder + "/")]
        table.add_row(
            node.folder.replace(".think_", " "),
            f"{done[node.folder]}/{total}",
            str(sum(manifest.rows_out for manifest in of_folder)),
            str(sum(manifest.rows_rejected for manifest in of_folder)),
            str(sum(len(lines) for _, lines in whole_batches(run_dir / "journal" / node.folder, damaged)) or ""),
        )
    console.print(table, highlight=False)
    for mode, seen in shown_by_mode(manifests, _modes_of(manifests)[::-1]).items():
        console.print(f"shown: {in_words(mode, seen)}", highlight=False)
    if leaking := sum(manifest.counts.get(LEAKING, 0) for manifest in manifests.values()):
        console.print(f"refused: {_refused(leaking)}", highlight=False)
    for error, mode_name, count in failed_requests(run_dir, damaged)[:3]:
        console.print(f"failed: {count} {mode_name.replace('_', '-')} requests: {error}", highlight=False)
    try:
        if (run_dir / "spent.json").exists():
            console.print(f"spent so far: {read_spent(run_dir)}", highlight=False)
    except DamagedError as error:
        damaged.append(error)
    if lost := damaged_lines(run_dir):
        console.print(f"logs/events.jsonl: {lost} lines are damaged and left out", highlight=False)
    if damaged:
        named = {each.path: each for each in damaged}
        console.print(f"damaged: {len(named)} files, such as {next(iter(named.values()))}", highlight=False)
    attempt = last_attempt(run_dir)
    if attempt is not None:
        _print_attempt(console, attempt)


def _print_attempt(console: Console, attempt: LastAttempt) -> None:
    end = "has not ended: it is at work, or was killed" if not attempt.closed else "came to its end"
    console.print(f"last attempt, of {attempt.began}: {attempt.error or end}", highlight=False)
    by_error: dict[str, list[str]] = {}
    for failure in attempt.failures:
        folder = ".".join(part for part in (failure["stage"], failure["mode"]) if part)
        by_error.setdefault(failure["error"], []).append(f"{folder}/{failure['shard']}")
    for error, names in by_error.items():
        console.print(f"failed: {counted(len(names), 'piece')}, such as {names[0]}: {error}", highlight=False)
    if by_error:
        console.print("The same command tries them again; what is done is kept.", highlight=False)


def _all_of(pieces: int) -> str:
    return "its one piece is" if pieces == 1 else f"all {pieces} pieces are"


def _count(value: int | None, unit: str = "") -> str:
    return "" if value is None else f"{value:,} {unit}".rstrip()


def _command() -> str:
    """This program as it was called, so that the line can be pasted."""
    return _relative(Path(sys.argv[0]).absolute()) if "/" in sys.argv[0] else Path(sys.argv[0]).name


def _relative(path: RunPath) -> str:
    if not isinstance(path, Path):
        return str(path)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
