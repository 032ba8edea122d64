"""What other settings would have decided between arms, as a table."""

from rich.console import Console
from rich.table import Table

from hipo_data.figures.terminal import json_text
from hipo_data.figures.text import NOTHING, number, percent
from hipo_data.pipeline.views.arm_whatif import ArmAnswer
from hipo_data.pipeline.views.printing.mixed_cells import MIXED, mixed_cells, mixed_part
from hipo_data.stages.select.arm_whatif import ArmWhatIf


def print_arm_answer(console: Console, answer: ArmAnswer, as_json: bool) -> None:
    """A table, the run's own setting marked; as JSON one object."""
    if as_json:
        told = {"delta": answer.delta, "n": answer.n, "arms": answer.arms, "lengths_in": answer.lengths_in}
        rows = [row.model_dump() | mixed_part(answer.mix, row.modes) for row in answer.rows]
        console.print(json_text(told | {"rows": rows, "remarks": answer.remarks}, indent=2), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    headings = ["n", "δ", "examples", *answer.arms, answer.lengths_in, "cost", "pass rate", "lost", "flips", "changed"]
    for heading in [*headings, *([MIXED] if answer.mix is not None else [])]:
        table.add_column(str(heading), justify="right", no_wrap=True)
    for row in answer.rows:
        own = answer.is_own(row)
        table.add_row(*_cells(row, answer, own), *mixed_cells(answer.mix, row.modes), style="bold" if own else None)
    console.print(table, highlight=False)
    for remark in answer.remarks:
        console.print(remark, highlight=False)
    console.print(
        "* is the run's own setting. Cost: mean over examples of what a response in the kept arm costs. Pass rate: of "
        "the kept arm, by the rollouts that did not choose where there are any, else measured (~), which leans up. "
        "Flips: the mean probability that a repetition of the sampling would choose another arm. Nothing was sampled.",
        highlight=False,
    )


def _cells(row: ArmWhatIf, answer: ArmAnswer, own: bool) -> list[str]:
    sign = "~" if row.held < row.examples else ""
    return [
        str(row.n),
        f"{row.delta:.4g}{'*' if own else ' '}",
        f"{row.examples:,}",
        *(f"{row.modes[name]:,}" if name in row.arms else NOTHING for name in answer.arms),
        number(row.tokens),
        number(row.cost),
        NOTHING if row.pass_rate is None else f"{sign}{100 * row.pass_rate:.1f} %",
        f"{row.problems - row.examples:,}",
        percent(row.flip),
        NOTHING if row.changed is None else f"{row.changed:,}",
    ]
