"""The charts of a comparison; one name has one colour in all of them."""

from collections.abc import Iterable
from statistics import fmean
from typing import Any

from hipo_data.figures.drawing import data, sized
from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.reproduce.measuring import Results
from hipo_data.schemas.algorithm_config import FORCED

_COLOURS = [
    "#264653", "#577590", "#e76f51", "#2a9d8f", "#e9c46a", "#9d4edd", "#b56576", "#8ab17d", "#8d99ae", "#0077b6",
    "#6b4226", "#d00000",
]  # fmt: skip

_WINDOW = 5


def _colour(results: Results, shown: Iterable[str] | None = None) -> Any:
    """One name has one colour in all charts."""
    import altair as alt

    colours = dict(zip(results, _COLOURS, strict=False))
    names = list(results if shown is None else shown)
    scale = alt.Scale(domain=names, range=[colours[name] for name in names])
    return alt.Color("name:N", title=None, sort=None, scale=scale, legend=alt.Legend(labelLimit=260))


def trade(results: Results) -> Any:
    """Accuracy against tokens, a dot a seed."""
    import altair as alt

    rows = [{"name": name, **each["all"]} for name, found in results.items() for each in found.values()]
    chart = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=90, opacity=0.85)
        .encode(
            x=alt.X("tokens:Q", title="tokens of a response", scale=alt.Scale(zero=False)),
            y=alt.Y("accuracy:Q", title="accuracy", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
            color=_colour(results),
        )
    )
    return sized(chart, 520, 320)


def families(results: Results) -> Any:
    """Share of think-on by family, a dot a seed."""
    import altair as alt

    rows = [
        {"name": name, "family": family, "think_on": figures["think_on"]}
        for name, found in results.items()
        for each in found.values()
        for family, figures in each["families"].items()
        if figures["think_on"] is not None
    ]
    chart = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=alt.X("think_on:Q", title="share of think-on", axis=alt.Axis(format="%")),
            y=alt.Y("family:N", title=None),
            yOffset=alt.YOffset("name:N", sort=None),
            color=_colour(results),
        )
    )
    return sized(chart, 520, 420)


def training(config: ReproduceConfig, results: Results) -> Any:
    """A line an arm, over its seeds; forced rollouts are half and half whatever the model would choose."""
    import altair as alt

    chosen = [name for name, arm in config.methods.items() if not isinstance(arm.algorithm, FORCED)]
    free = {name: results[name] for name in chosen if name in results}
    rows = []
    for name, found in free.items():
        windows: dict[int, list[float]] = {}
        for step in (step for each in found.values() for step in each["steps"] if step["think_on"] is not None):
            windows.setdefault((step["step"] - 1) // _WINDOW, []).append(step["think_on"])
        rows += [
            {"name": name, "step": _WINDOW * window + (_WINDOW + 1) / 2, "think_on": fmean(values)}
            for window, values in windows.items()
        ]
    chart = (
        alt.Chart(data(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("step:Q", title=f"RL step, means of {_WINDOW}"),
            y=alt.Y("think_on:Q", title="share of think-on", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
            color=_colour(results, free),
        )
    )
    return sized(chart, 520, 320)
