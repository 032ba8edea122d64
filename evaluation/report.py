"""What people see of evaluations: tables in the terminal, a page and charts; one evaluation, or several compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table as RichTable

from hipo_data.evaluation.charts import efficiency_chart
from hipo_data.evaluation.folder import write_bytes, write_text
from hipo_data.evaluation.metrics.accuracy import Difference, paired_difference
from hipo_data.evaluation.metrics.lengths import BudgetPoint, budget_grid, efficiency_curve
from hipo_data.evaluation.result import FREE, EvaluationResult, Figures, read_result
from hipo_data.evaluation.tables import (
    WAY_NAMES,
    Table,
    budget_tables,
    comparison,
    groups,
    hybrid_sentence,
    overview,
)
from hipo_data.figures.drawing import png, svg
from hipo_data.schemas.errors import UserError

_PAGE = Path(__file__).with_name("page.html.j2")
_MOST_COMPARED = 8


class Comparison(BaseModel):
    """Evaluations of the same problems. `against_first` is each one's accuracy less that of the first.

    All of it is about the free choice; the curves share their budgets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    folders: dict[str, str]
    problems: int
    against_first: dict[str, Difference]
    curves: dict[str, list[BudgetPoint]]
    results: dict[str, EvaluationResult]


def print_result(console: Console, result: EvaluationResult) -> None:
    """The tables of one evaluation."""
    for table in (overview(result), *budget_tables(result), *groups(result, intervals=False)):
        _print(console, table)
    for sentence in _sentences(result):
        console.print(sentence, highlight=False)


def write_report(out: Path, result: EvaluationResult) -> list[Path]:
    """Writes evaluation.html, efficiency.svg and efficiency.png beside the result; returns their paths."""
    curves = {WAY_NAMES[way]: curve for way, curve in result.curves.items()}
    means = {WAY_NAMES[way]: _mean_point(each) for way, each in result.figures.items()}
    title = f"Evaluation of {result.settings.model}"
    tables = [overview(result), *budget_tables(result), *groups(result)]
    chart = efficiency_chart(curves, means)
    return _write(out, "evaluation.html", "efficiency", chart, title=title, sentences=_sentences(result), tables=tables)


def compare(folders: Sequence[Path]) -> Comparison:
    """Compares two or more evaluations of the same problems, each with the first.

    Raises `UserError` where a folder holds none, or they asked other problems.
    """
    if not 2 <= len(folders) <= _MOST_COMPARED:
        raise UserError(f"a comparison takes two to {_MOST_COMPARED} folders; given were {len(folders)}")
    names = _names(folders)
    results = {name: read_result(folder) for name, folder in names.items()}
    first, *others = results
    for name in others:
        if results[name].settings.problems_hash != results[first].settings.problems_hash:
            raise UserError(
                f"{names[name]} asked other problems ({results[name].settings.problems}) than {names[first]} "
                f"({results[first].settings.problems}), so their figures cannot be compared; evaluate both on one set"
            )
    rows = {name: _free_rows(folder) for name, folder in names.items()}
    budgets = budget_grid(pl.concat(rows.values()))
    return Comparison(
        folders={name: str(folder) for name, folder in names.items()},
        problems=results[first].settings.problem_count,
        against_first={name: paired_difference(rows[first], rows[name]) for name in others},
        curves={name: efficiency_curve(each, budgets) for name, each in rows.items()},
        results=results,
    )


def print_comparison(console: Console, found: Comparison) -> None:
    """The table of a comparison."""
    _print(console, comparison(found.results, found.against_first))
    console.print(_PAIRED, highlight=False)
    for name, result in found.results.items():
        for remark in result.remarks:
            console.print(f"{name}: {remark}", highlight=False)


def write_comparison(out: Path, found: Comparison) -> list[Path]:
    """Writes comparison.json, comparison.html, and comparison.svg and .png; returns their paths."""
    write_text(out / "comparison.json", found.model_dump_json(indent=2))
    chart = efficiency_chart(found.curves, {name: _mean_point(each.free) for name, each in found.results.items()})
    table = comparison(found.results, found.against_first)
    title = f"{len(found.results)} evaluations on {found.problems} problems"
    drawn = _write(out, "comparison.html", "comparison", chart, title=title, sentences=[_PAIRED], tables=[table])
    return [out / "comparison.json", *drawn]


_PAIRED = (
    "Differences of accuracy are in points, paired by problem, with 95 % intervals: they can be narrower than the "
    "intervals of the accuracies suggest, since the problems are the same."
)


def _sentences(result: EvaluationResult) -> list[str]:
    hybrid = [hybrid_sentence(result.hybrid_accuracy)] if result.hybrid_accuracy is not None else []
    return [*hybrid, *result.remarks]


def _names(folders: Sequence[Path]) -> Mapping[str, Path]:
    """The last parts of the paths, as many as tell them apart."""
    for depth in range(1, 1 + max(len(folder.resolve().parts) for folder in folders)):
        names = ["/".join(folder.resolve().parts[-depth:]) for folder in folders]
        if len(set(names)) == len(names):
            return dict(zip(names, folders, strict=True))
    raise UserError("the same folder is given twice; a comparison needs different ones")


def _free_rows(folder: Path) -> pl.DataFrame:
    files = sorted((folder / "rows").glob(f"{FREE}-*.parquet"))
    if not files:
        raise UserError(f"{folder} has lost its rows (rows/{FREE}-*.parquet), which a comparison needs")
    return pl.concat([pl.read_parquet(file, columns=["problem_id", "status", "tokens"]) for file in files])


def _mean_point(figures: Figures) -> tuple[float | None, float | None]:
    return figures.tokens.mean, figures.accuracy.value


def _print(console: Console, table: Table) -> None:
    shown = RichTable(title=table.title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    widths = [
        max(map(len, [*header.split(), *(row[place] for row in table.rows)]), default=0)
        for place, header in enumerate(table.headers)
    ]
    for place, (header, width) in enumerate(zip(table.headers, widths, strict=True)):
        shown.add_column(header, justify="right" if place else "left", min_width=width)
    for row in table.rows:
        shown.add_row(*row)
    # Headers wrap where the terminal is narrow; figures never do, nor are they cut.
    least = sum(widths) + 2 * len(widths)
    console.print(shown, width=max(console.width, least), crop=False, markup=False, highlight=False)
    console.print()


def _write(out: Path, page: str, stem: str, chart: Any, **fields: Any) -> list[Path]:
    from jinja2 import Environment

    drawing = svg(chart)
    template = Environment(autoescape=True).from_string(_PAGE.read_text(encoding="utf-8"))
    write_text(out / f"{stem}.svg", drawing)
    write_bytes(out / f"{stem}.png", png(chart))
    write_text(out / page, template.render(chart=drawing, **fields))
    return [out / page, out / f"{stem}.svg", out / f"{stem}.png"]
