"""The part of the report on arms: what each brings and costs, and where a choice by δ lies between them."""

from dataclasses import dataclass

import polars as pl

from hipo_data.figures.drawing import svg
from hipo_data.pipeline.graph.nodes import ARMS
from hipo_data.pipeline.views import charts
from hipo_data.pipeline.views.arm_whatif import ask_arms
from hipo_data.pipeline.views.control_cost import beside_tokens, with_beside
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.pipeline.views.settings import parse_deltas
from hipo_data.stages.select.arm_whatif import ArmWhatIf

_DELTAS = "0:0.5:0.05"


@dataclass(frozen=True)
class ArmLine:
    """One arm over all problems that it was sampled for."""

    name: str
    problems: int
    rollouts: int
    pass_rate: float | None
    tokens: float | None
    cost: float | None
    """Of a response, on average, with what the control of its thinking took beside."""
    kept: int


@dataclass(frozen=True)
class ArmPart:
    """What the page shows."""

    lines: list[ArmLine]
    rows: list[ArmWhatIf]
    """By δ, where the policy chooses by it."""
    remarks: list[str]
    curve: str
    """A picture."""


def arm_part(files: RunFiles) -> ArmPart | None:
    """Null for a run without arms to count, and before anything is decided."""
    table = files.scan("select", ARMS) if files.config.has_arm_table else None
    if table is None or not files.shards:
        return None
    counted = table.collect()
    most = max(files.config.sample.count(mode) for mode in files.config.roles.modes)
    spent = with_beside(counted, beside_tokens(files, files.shards, most))
    lines = [_line(files, counted, spent, str(mode)) for mode in files.config.roles.modes]
    answer = ask_arms(files, parse_deltas(_DELTAS)) if files.config.weighs_arms else None
    if answer is None:
        return ArmPart(lines, [], [], "")
    every = max(line.problems for line in lines)
    fixed = [(f"always {line.name}", line.cost, line.pass_rate) for line in lines if line.problems == every]
    chosen = [(f"δ {row.delta:g}", row.cost, row.pass_rate) for row in answer.rows]
    return ArmPart(lines, answer.rows, answer.remarks, svg(charts.fitted(charts.cost_curve(chosen, fixed))))


def _line(files: RunFiles, counted: pl.DataFrame, spent: pl.DataFrame, name: str) -> ArmLine:
    own = counted.filter(pl.col("mode") == name)
    n, right = int(own["n"].sum()), int(own["right"].sum())
    tokens, taken = _mean_tokens(own), _mean_tokens(spent.filter(pl.col("mode") == name))
    cost = {str(mode): files.config.roles.cost(mode) for mode in files.config.roles.modes}[name]
    return ArmLine(
        name=name,
        problems=own.height,
        rollouts=n + int(own["unknown"].sum()),
        pass_rate=right / n if n else None,
        tokens=tokens,
        cost=None if taken is None else taken * cost,
        kept=int(own["chosen"].sum()),
    )


def _mean_tokens(rows: pl.DataFrame) -> float | None:
    known = rows.filter(pl.col("tokens").is_not_null())
    weights = known["n"] + known["unknown"]
    return float((known["tokens"] * weights).sum()) / int(weights.sum()) if int(weights.sum()) else None
