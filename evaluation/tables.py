"""The figures of evaluations as tables of text, for the terminal and for pages alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hipo_data.evaluation.metrics.accuracy import Accuracy, Difference
from hipo_data.evaluation.metrics.mode_choice import HybridAccuracy
from hipo_data.evaluation.metrics.perfect_chooser import FEWEST_PROBLEMS, FEWEST_SAMPLES
from hipo_data.evaluation.result import FREE, EvaluationResult, Figures
from hipo_data.figures.text import NOTHING, number
from hipo_data.schemas.records import Mode

WAY_NAMES: Mapping[str, str] = {
    FREE: "free choice",
    Mode.THINK_ON.value: "forced think-on",
    Mode.THINK_OFF.value: "forced think-off",
}


@dataclass(frozen=True)
class Table:
    """A table; the first column of a row is its name."""

    title: str
    headers: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def overview(result: EvaluationResult) -> Table:
    """One row a way of asking."""
    headers = ("", "accuracy", "95 %", "over seeds", "tokens", "p50", "p90", "p99", "chose think-on", "implicit")
    forced = any(way != FREE for way in result.figures)
    guessed = any(each.accuracy.without_luck is not None for each in result.figures.values())
    rows = [
        (
            WAY_NAMES[way],
            share(each.accuracy.value),
            *((share(each.accuracy.without_luck),) if guessed else ()),
            interval(each.accuracy.low, each.accuracy.high),
            _seeds(each.accuracy),
            number(each.tokens.mean),
            *(number(point, 0) for point in (each.tokens.p50, each.tokens.p90, each.tokens.p99)),
            share(each.modes.ratio_t),
            share(each.implicit_thinking),
            share(each.truncated),
            share(each.well_formed),
            str(each.accuracy.unknown),
            *((NOTHING if way == FREE else str(each.left_out),) if forced else ()),
        )
        for way, each in result.figures.items()
    ]
    last = ("forced responses left out",) if forced else ()
    luck = ("without luck",) if guessed else ()
    headers = (*headers[:2], *luck, *headers[2:])
    return Table(_title(result), (*headers, "cut off", "in format", "unknown", *last), rows)


def groups(result: EvaluationResult, *, intervals: bool = True) -> list[Table]:
    """One table for each column that tells problems apart, one row a group."""
    return [_group_table(result, by, intervals) for by in dict.fromkeys(group.by for group in result.groups)]


def budget_tables(result: EvaluationResult) -> list[Table]:
    """One table a way of asking, one row a budget and difficulty; none where no budgets were given."""
    headers = ("tokens", "difficulty", "responses", "over", "by", "p90", "most", "accuracy within", "of those within")
    found = []
    for way in dict.fromkeys(each.way for each in result.compliance):
        rows = [
            (
                number(each.budget, 0),
                each.difficulty or "all",
                str(each.responses),
                share(each.over),
                number(each.excess),
                number(each.excess_p90),
                number(each.excess_most, 0),
                share(each.accuracy),
                share(each.among_shorter),
            )
            for each in result.compliance
            if each.way == way
        ]
        found.append(Table(f"Budgets, {WAY_NAMES[way]}", headers, rows))
    return found


def hybrid_sentence(found: HybridAccuracy) -> str:
    """The hybrid accuracy in words."""
    if found.value is None:
        return "Hybrid accuracy: none, no problem has a graded response in both forced modes."
    near = f" or nearer than {found.margin:g}" if found.margin else ""
    return (
        f"Hybrid accuracy {share(found.value)} ({interval(found.low, found.high)}): how often the choice is the mode "
        f"that forced sampling prefers, which is think-on for {found.prefer_think_on} of {found.problems} problems; "
        f"{found.by_length} were decided by length, both modes being equally often right{near}. {_perfect(found)}"
    )


def _perfect(found: HybridAccuracy) -> str:
    """What a perfect chooser would score, in words."""
    samples = f"{found.samples or 0:.3g} forced samples a problem and mode"
    if found.perfect_chooser is None:
        return (
            f"What a chooser would score that always takes the better mode is not known from {samples} and "
            f"{found.problems} problems: that takes {FEWEST_SAMPLES} samples (--seeds) and {FEWEST_PROBLEMS} problems."
        )
    score = f"With {samples} a chooser that always takes the better mode would score {share(found.perfect_chooser)}"
    scaled = (
        f"; corrected for that, the hybrid accuracy is {share(found.corrected)} "
        f"({interval(found.corrected_low, found.corrected_high)})"
        if found.corrected is not None
        else "; they hardly tell the modes apart, so that the hybrid accuracy cannot be corrected for it"
    )
    low, high = share(found.perfect_accuracy_low), share(found.perfect_accuracy_high)
    return (
        f"{score}{scaled}. Such a chooser would be right in {low} of its responses, scored on samples that did not "
        f"choose, and in {high} on those that did, which is too high."
    )


def comparison(results: Mapping[str, EvaluationResult], differences: Mapping[str, Difference]) -> Table:
    """One row a result, with what changed against the first."""
    first = next(iter(results.values()))
    headers = (
        "",
        "accuracy",
        "95 %",
        "against the first",
        "tokens",
        "change",
        "chose think-on",
        "change",
        "hybrid accuracy",
        "corrected",
    )
    rows = []
    for name, result in results.items():
        free, base = result.free, first.free
        hybrid = result.hybrid_accuracy
        rows.append(
            (
                name,
                share(free.accuracy.value),
                interval(free.accuracy.low, free.accuracy.high),
                _difference(differences.get(name)),
                number(free.tokens.mean),
                NOTHING if result is first else _relative(base.tokens.mean, free.tokens.mean),
                share(free.modes.ratio_t),
                NOTHING if result is first else _points(base.modes.ratio_t, free.modes.ratio_t),
                share(hybrid.value if hybrid else None),
                share(hybrid.corrected if hybrid else None),
            )
        )
    return Table("Free choice of the mode", headers, rows)


def share(value: float | None) -> str:
    """Per cent with one digit."""
    return NOTHING if value is None else f"{value:.1%}"


def interval(low: float | None, high: float | None) -> str:
    """Per cent, without the signs."""
    return NOTHING if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"


def _title(result: EvaluationResult) -> str:
    settings = result.settings
    seeds = f"{len(result.seeds)} seeds" if len(result.seeds) > 1 else "one seed"
    shown = settings.format or "plain, without modes"
    return f"{settings.model} · format {shown} · {settings.problem_count} problems · {seeds} · {settings.backend}"


def _group_table(result: EvaluationResult, by: str, intervals: bool) -> Table:
    ways = list(result.figures)
    middle = ("95 %",) if intervals else ()
    heads = [(f"{WAY_NAMES[way]} accuracy", *middle, "tokens") for way in ways]
    rows = []
    for group in (each for each in result.groups if each.by == by):
        cells = [_cells(group.figures.get(way), intervals) for way in ways]
        chosen = group.figures[FREE].modes.ratio_t if FREE in group.figures else None
        hybrid = group.hybrid_accuracy.value if group.hybrid_accuracy else None
        flat = [cell for each in cells for cell in each]
        rows.append((group.value, str(group.problems), share(chosen), share(hybrid), *flat))
    headers = (by, "problems", "chose think-on", "hybrid accuracy", *(head for each in heads for head in each))
    return Table(f"By {by}", headers, rows)


def _cells(figures: Figures | None, intervals: bool) -> Sequence[str]:
    if figures is None:
        return (NOTHING,) * (2 + intervals)
    found = figures.accuracy
    middle = (interval(found.low, found.high),) if intervals else ()
    return share(found.value), *middle, number(figures.tokens.mean)


def _seeds(found: Accuracy) -> str:
    if found.mean is None or found.spread is None:
        return NOTHING
    return f"{100 * found.mean:.1f} ± {100 * found.spread:.1f}"


def _difference(found: Difference | None) -> str:
    if found is None or found.value is None:
        return NOTHING
    within = (
        f" ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
        if found.low is not None and found.high is not None
        else ""
    )
    return f"{100 * found.value:+.1f}{within}"


def _relative(before: float | None, after: float | None) -> str:
    return NOTHING if not before or after is None else f"{after / before - 1:+.1%}"


def _points(before: float | None, after: float | None) -> str:
    return NOTHING if before is None or after is None else f"{100 * (after - before):+.1f}"
