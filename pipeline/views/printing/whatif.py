"""What other settings would have decided, as a table or a chart."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from hipo_data.figures.drawing import picture
from hipo_data.figures.terminal import json_text
from hipo_data.figures.text import NOTHING, number, percent
from hipo_data.pipeline.views.printing.mixed_cells import MIXED, mixed_cells, mixed_part
from hipo_data.pipeline.views.whatif import Answer
from hipo_data.schemas.errors import UserError
from hipo_data.stages.select.whatif import WhatIf


def print_answer(console: Console, answer: Answer, as_json: bool) -> None:
    """A table, the run's own setting marked; as JSON one object."""
    if as_json:
        rows = [
            row.model_dump() | {"think_on_share": row.think_on_share} | mixed_part(answer.mix, row.modes)
            for row in answer.rows
        ]
        told = {"delta": answer.delta, "n": answer.n, "lengths_in": answer.lengths_in, "rows": rows}
        told["remarks"] = answer.remarks
        console.print(json_text(told, indent=2), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in _HEADINGS:
        heading = answer.lengths_in if heading == _LENGTH else heading
        table.add_column(heading, justify="right", no_wrap=True)
    if answer.mix is not None:
        table.add_column(MIXED, justify="right", no_wrap=True)
    for row in answer.rows:
        own = (row.n, row.delta) == (answer.n, answer.delta)
        table.add_row(*_cells(row, own), *mixed_cells(answer.mix, row.modes), style="bold" if own else None)
    console.print(table, highlight=False)
    for remark in answer.remarks:
        console.print(remark, highlight=False)
    console.print(
        "* is the run's own setting. Pass rate: the true one of the kept mode, mean over examples and half its 95 % "
        "interval; from the rollouts that did not choose where there are any, else corrected (~) for having chosen. "
        "Flips: the mean probability that a repetition of the sampling would decide otherwise. Wrong: the mean "
        "probability that the chosen mode is not the one that the true gain asks for. Both under a prior fitted to the "
        "run's counts. Repeated: how many as many other rollouts of this run do decide otherwise. Nothing was sampled.",
        highlight=False,
    )


_LENGTH = "length"
_HEADINGS = [
    *("n", "δ", "examples", "think-on", _LENGTH, "pass rate", "lost", "fallback", "random"),
    *("flips", "repeated", "wrong", "changed"),
]


def _cells(row: WhatIf, own: bool) -> list[str]:
    return [
        str(row.n),
        f"{row.delta:.4g}{'*' if own else ' '}",
        f"{row.examples:,}",
        percent(row.think_on_share),
        number(row.tokens),
        _with_interval(row),
        f"{row.lost:,}",
        f"{row.fallbacks:,}",
        f"{row.rules.get('random', 0):,}",
        percent(row.flip),
        percent(row.repeated),
        percent(row.wrong),
        NOTHING if row.changed is None else f"{row.changed:,}",
    ]


def _with_interval(row: WhatIf) -> str:
    if row.pass_rate is None or row.pass_rate_low is None or row.pass_rate_high is None:
        return NOTHING
    sign = "~" if row.held < row.examples else ""
    return f"{sign}{100 * row.pass_rate:.1f} ± {50 * (row.pass_rate_high - row.pass_rate_low):.1f} %"


def write_chart(answer: Answer, path: Path) -> None:
    """The answer as a picture. Raises `UserError` unless the name ends as `figures.drawing.PICTURES` do."""
    from hipo_data.pipeline.store.files import put_bytes
    from hipo_data.pipeline.views.charts import whatif_chart

    try:
        put_bytes(path, picture(whatif_chart(answer.rows, answer.delta, answer.lengths_in), path))
    except ValueError as error:
        raise UserError(f"--out {error}") from error
