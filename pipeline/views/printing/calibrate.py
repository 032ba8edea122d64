"""What the halves of a run say, as tables or a chart."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hipo_data.figures.drawing import picture
from hipo_data.figures.terminal import json_text
from hipo_data.figures.text import percent
from hipo_data.pipeline.views.calibrate import Calibration
from hipo_data.schemas.errors import UserError


def print_calibration(console: Console, found: Calibration, as_json: bool) -> None:
    """How often mode, rule and response come back, predicted beside measured, and the advice; as JSON one object."""
    if as_json:
        rows = {
            "rows": [row.model_dump() for row in found.rows],
            "tenths": [each.model_dump() for each in found.tenths],
        }
        console.print(json_text(asdict(found) | rows, indent=2), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("n", "δ", "mode", "rule", "response", "mode, predicted"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found.rows:
        own = (row.n, row.delta) == (found.n, found.delta)
        mark = "*" if own else " "
        cells = [percent(share) for share in (row.mode, row.rule, row.response, row.predicted)]
        table.add_row(str(row.n), f"{row.delta:.4g}{mark}", *cells, style="bold" if own else None)
    console.print(table, highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("predicted from", "choices", "predicted", "came back"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found.tenths:
        table.add_row(percent(each.low), f"{each.choices:,}", percent(each.predicted), percent(each.measured))
    console.print(table, highlight=False)
    for line in (*found.remarks, *_advice(found)):
        console.print(line, highlight=False, soft_wrap=True)


def _advice(found: Calibration) -> list[str]:
    measured = {(row.n, row.delta) for row in found.rows if row.mode is not None}
    wanted = f"for {percent(found.want)} of the choices to come back"

    def how(n: int, delta: float) -> str:
        return "measured" if (n, delta) in measured else "predicted"

    by_n = (
        f"sample.n: {found.advised_n} ({how(found.advised_n, found.delta)}) at δ {found.delta:g}"
        if found.advised_n is not None
        else f"more than {max(row.n for row in found.rows)} rollouts of each mode at δ {found.delta:g}"
    )
    by_delta = (
        f"select.delta: {found.advised_delta:g} ({how(found.n, found.advised_delta)}) at N {found.n}"
        if found.advised_delta is not None
        else f"no δ up to 0.5 does at N {found.n}"
    )
    return [
        f"Take {wanted}: {by_n}; or {by_delta}, which asks another question of each problem.",
        f"* is the run's own setting. {found.problems:,} problems, {found.repeats} splits in halves; a choice that "
        "comes back may be the wrong one still: explain, the report and the table rates say how likely. Nothing was "
        "sampled.",
    ]


def write_chart(found: Calibration, path: Path) -> None:
    """Predicted against measured repetition. Raises `UserError` unless the name ends as `figures.drawing.PICTURES`."""
    from hipo_data.pipeline.store.files import put_bytes
    from hipo_data.pipeline.views.charts import calibration_chart

    try:
        put_bytes(path, picture(calibration_chart(found.tenths), path))
    except ValueError as error:
        raise UserError(f"--out {error}") from error
