"""Charts of evaluations."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from hipo_data.evaluation.metrics.lengths import BudgetPoint
from hipo_data.figures.drawing import data, sized

_COLOURS = ["#264653", "#e76f51", "#2a9d8f", "#e9c46a", "#9d4edd", "#577590", "#b56576", "#8ab17d"]
_WIDTH, _HEIGHT = 520, 320


def efficiency_chart(
    curves: Mapping[str, Sequence[BudgetPoint]], means: Mapping[str, tuple[float | None, float | None]]
) -> Any:
    """Accuracy over budgets of tokens, longer responses counted as wrong: one curve a name.

    Args:
        curves: by name, at most eight.
        means: by the same names, mean tokens and accuracy, drawn as a dot.
    """
    names = list(curves)
    points = [
        {"name": name, "budget": point.budget, "accuracy": point.accuracy}
        for name, curve in curves.items()
        for point in curve
    ]
    dots = [
        {"name": name, "tokens": tokens, "accuracy": accuracy}
        for name, (tokens, accuracy) in means.items()
        if tokens is not None and accuracy is not None
    ]
    colour = alt.Color(
        "name:N",
        title=None,
        sort=None,
        scale=alt.Scale(domain=names, range=_COLOURS),
        legend=alt.Legend(labelLimit=260),
    )
    height = alt.Scale(domain=[0, 1])
    lines = (
        alt.Chart(data(points))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("budget:Q", title="tokens", scale=alt.Scale(type="log", nice=False)),
            y=alt.Y("accuracy:Q", title="accuracy, longer responses wrong", axis=alt.Axis(format="%"), scale=height),
            color=colour,
        )
    )
    marks = (
        alt.Chart(data(dots))
        .mark_point(size=90, filled=True)
        .encode(x="tokens:Q", y=alt.Y("accuracy:Q", scale=height), color=colour)
    )
    return sized(lines + marks, _WIDTH, _HEIGHT)
