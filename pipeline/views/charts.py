"""Charts of a run. What they are given is aggregated, so that a chart is as large for ten problems as for millions."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from hipo_data.figures.drawing import data, sized
from hipo_data.stages.ingest.accounts import Accounts
from hipo_data.stages.select.calibrate import Tenth
from hipo_data.stages.select.whatif import WhatIf

MODES = ["think-off", "think-on", "dropped"]
MODE_COLOURS = alt.Scale(domain=MODES, range=["#2a9d8f", "#e76f51", "#b8b8b8"])
_WHOLE = alt.Scale(domain=[0, 1])
_FIFTHS = alt.Axis(format="%", tickCount=5)
_NAMED_REASONS = 5
_REASON_COLOURS = ["#e76f51", "#f4a261", "#e9c46a", "#9d4edd", "#577590", "#444444"]
_BAND = "#f1ede2"
_WIDTH = 330  # of a whole chart of the report: what a telephone shows without making its letters smaller
_ROW = 34  # a bar with its name above it, which may then be long
_OTHER_FONT = 0.82  # a browser's letters may be wider than those that the renderer measures


def fitted(chart: Any) -> Any:
    """The chart, no concatenation, whose axes, legend and labels lie within its width and height."""
    return chart.properties(autosize=alt.AutoSizeParams(type="fit", contains="padding"))


def _legend(**more: Any) -> Any:
    """Above the plot, with room for letters of another font."""
    return alt.Legend(orient="top", columnPadding=16, symbolOpacity=1, **more)


def _named_rows(base: Any) -> Any:
    """The names of rows, above their bars: columns `label`, and `y` as `base` has it."""
    return base.mark_text(align="left", baseline="middle", dy=-9, limit=_WIDTH * _OTHER_FONT, fontSize=11).encode(
        x=alt.value(0), text="label:N"
    )


def funnel(steps: Sequence[tuple[str, int]]) -> Any:
    """Rows or problems that are left after each step."""
    rows = [{"step": name, "count": count, "label": f"{name}: {count:,}"} for name, count in steps]
    base = alt.Chart(data(rows)).encode(y=alt.Y("step:N", sort=None, axis=None))
    bars = base.mark_bar(color="#577590", height=10, yOffset=5).encode(x=alt.X("count:Q", axis=None))
    return sized(bars + _named_rows(base), _WIDTH, _ROW * len(rows))


def mode_shares(counted: pl.DataFrame, by: str) -> Any:
    """Shares of the modes and of dropped problems, by group.

    Args:
        counted: columns `by`, `mode` (as in `MODES`), `problems`; groups are shown in its order.
    """
    groups = counted.group_by(by, maintain_order=True).agg(pl.col("problems").sum().alias("of"))
    rows = (
        counted.join(groups, on=by, maintain_order="left")
        .with_columns(
            group=pl.format("{} ({})", by, _thousands("of")),
            share=pl.col("problems") / pl.col("of"),
            order=pl.col("mode").replace_strict({mode: at for at, mode in enumerate(MODES)}),
        )
        .to_dicts()
    )
    base = alt.Chart(data(rows)).encode(y=alt.Y("group:N", sort=None, axis=None))
    bars = base.mark_bar(height=12, yOffset=6).encode(
        x=alt.X("share:Q", title="share of problems", axis=alt.Axis(format="%", tickCount=5), scale=_WHOLE),
        color=alt.Color("mode:N", scale=MODE_COLOURS, title=None, legend=_legend()),
        order="order:Q",
    )
    names = alt.Chart(
        data(list({row["group"]: {"group": row["group"], "label": row["group"]} for row in rows}.values()))
    )
    return sized(
        bars + _named_rows(names.encode(y=alt.Y("group:N", sort=None, axis=None))), _WIDTH, 80 + _ROW * groups.height
    )


def _thousands(column: str) -> pl.Expr:
    """`1234567` as `1,234,567`."""
    return pl.col(column).cast(pl.String).str.reverse().str.replace_all(r"(\d{3})(\d)", "$1,$2").str.reverse()


def pass_rate_map(cells: pl.DataFrame, delta: float) -> Any:
    """Problems by pass rate without (x) and with thinking (y), coloured by mode; the band is where they differ by < δ.

    Args:
        cells: columns `p_off`, `p_on`, `mode`, `problems`, one row a dot.
    """
    domain = alt.Scale(domain=[-0.05, 1.05], nice=False)
    corners = [
        {"x": x, "low": min(max(x - delta, 0.0), 1.0), "high": min(max(x + delta, 0.0), 1.0)}
        for x in sorted({0.0, delta, 1.0 - delta, 1.0})
    ]
    band = alt.Chart(data(corners)).mark_area(color=_BAND).encode(x=alt.X("x:Q", scale=domain), y="low:Q", y2="high:Q")
    edge = (
        alt.Chart(data([{"x": 0.0, "y": delta}, {"x": 1.0 - delta, "y": 1.0}]))
        .mark_line(strokeDash=[5, 4], color="#555")
        .encode(x="x:Q", y="y:Q")
    )
    most = int(cells["problems"].max() or 1)  # type: ignore[arg-type]
    sizes = sorted({max(1, most // 16), max(1, most // 4), most})
    legend = alt.Legend(
        values=sizes, symbolType="circle", orient="bottom", columnPadding=16, titleOrient="left", titlePadding=12
    )
    dots = (
        alt.Chart(data(cells.to_dicts()))
        .mark_circle(opacity=0.75)
        .encode(
            x=alt.X("p_off:Q", title="pass rate without thinking", scale=domain, axis=_FIFTHS),
            y=alt.Y("p_on:Q", title="pass rate with thinking", scale=domain, axis=_FIFTHS),
            size=alt.Size("problems:Q", scale=alt.Scale(domain=[0, most], range=[0, 450]), legend=legend),
            color=alt.Color("mode:N", scale=MODE_COLOURS, title=None, legend=_legend()),
        )
    )
    return sized(band + edge + dots, _WIDTH, 400)


def length_histogram(bins: pl.DataFrame, what: str, title: str) -> Any:
    """Counts by length, on a logarithmic axis, and mode.

    Args:
        bins: columns `bin` (lower edge), `mode`, `count`.
    """
    bars = (
        alt.Chart(data(bins.to_dicts()))
        .mark_bar()
        .encode(
            x=alt.X("bin:O", title=title, axis=alt.Axis(labelAngle=0, labelOverlap=True, labelSeparation=8)),
            y=alt.Y("count:Q", title=what),
            color=alt.Color("mode:N", scale=MODE_COLOURS, title=None, legend=_legend(values=MODES[:2])),
            xOffset=alt.XOffset("mode:N", sort=MODES),
        )
    )
    return sized(bars, _WIDTH, 230)


def tenths(bins: pl.DataFrame, title: str) -> Any:
    """Problems by a probability and mode.

    Args:
        bins: columns `bin` (lower edge of a tenth), `mode`, `problems`.
        title: of the probability.
    """
    bars = (
        alt.Chart(data(bins.with_columns(end=pl.col("bin") + 0.1).to_dicts()))
        .mark_bar()
        .encode(
            x=alt.X("bin:Q", bin="binned", title=title, axis=alt.Axis(format="%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
                    scale=alt.Scale(domain=[0, 1])),
            x2="end:Q",
            y=alt.Y("problems:Q", title="problems"),
            color=alt.Color("mode:N", scale=MODE_COLOURS, title=None, legend=_legend()),
            order=alt.Order("mode:N"),
        )
    )  # fmt: skip
    return sized(bars, _WIDTH, 230)


def source_rows(accounts: Accounts) -> Any:
    """Rows by dataset and by what became of them; the most frequent reasons, the others together."""
    named = [reason for reason, _ in accounts.refused.most_common(_NAMED_REASONS)]
    rows: list[dict[str, Any]] = []
    for dataset, account in accounts.datasets.items():
        parts = {"kept": account.kept - account.merged, "merged": account.merged, "left out": account.left_out}
        parts |= {reason: account.refused.get(reason, 0) for reason in named}
        parts["other reasons"] = account.read - sum(parts.values())
        rows += [
            {"dataset": dataset, "rows": count, "outcome": outcome, "order": order}
            for order, (outcome, count) in enumerate(parts.items())
            if count
        ]
    outcomes = list(dict.fromkeys(row["outcome"] for row in sorted(rows, key=lambda row: row["order"])))
    colours = ["#2a9d8f", "#8ecfc6", "#b8b8b8", *_REASON_COLOURS]
    order = ["kept", "merged", "left out", *named, "other reasons"]
    scale = alt.Scale(domain=outcomes, range=[colours[order.index(outcome)] for outcome in outcomes])
    base = alt.Chart(data(rows)).encode(y=alt.Y("dataset:N", axis=None))
    bars = base.mark_bar(height=12, yOffset=6).encode(
        x=alt.X("rows:Q", title="source rows", axis=alt.Axis(tickCount=4)),
        color=alt.Color("outcome:N", scale=scale, title=None, sort=None, legend=_legend(columns=2)),
        order="order:Q",
    )
    named_rows = alt.Chart(data([{"dataset": name, "label": name} for name in accounts.datasets]))
    height = 70 + 15 * len(outcomes) // 2 + _ROW * len(accounts.datasets)
    return sized(bars + _named_rows(named_rows.encode(y=alt.Y("dataset:N", axis=None))), _WIDTH, height)


def calibration_chart(tenths: Sequence[Tenth]) -> Any:
    """Predicted repetition of choices against the measured one; on the dashed line both are the same."""
    rows = [each.model_dump() for each in tenths]
    axis = alt.Axis(format="%")
    scale = alt.Scale(domain=[0, 1])
    points = (
        alt.Chart(data(rows))
        .mark_point(filled=True)
        .encode(
            x=alt.X("predicted:Q", title="predicted repetition", axis=axis, scale=scale),
            y=alt.Y("measured:Q", title="choices that came back", axis=axis, scale=scale),
            size=alt.Size("choices:Q", legend=None),
        )
    )
    line = alt.Chart(data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(strokeDash=[5, 4], color="#555")
    return sized(line.encode(x="x:Q", y="y:Q") + points, 330, 330)


def whatif_chart(answers: Sequence[WhatIf], delta: float, lengths_in: str) -> Any:
    """The `whatif_panels`, two beside each other."""
    share, length, rate, flip = whatif_panels(answers, delta, lengths_in)
    return (share | length) & (rate | flip)


def whatif_panels(answers: Sequence[WhatIf], delta: float, lengths_in: str) -> list[Any]:
    """Think-on share, length, pass rate and flip probability (dotted: measured) by δ, a line an N."""
    rows = [
        {
            "δ": row.delta,
            "n": str(row.n),
            "share": row.think_on_share,
            "tokens": row.tokens,
            "rate": row.pass_rate,
            "low": row.pass_rate_low,
            "high": row.pass_rate_high,
            "flip": row.flip,
            "repeated": row.repeated,
        }
        for row in answers
    ]
    names = [str(n) for n in sorted({row.n for row in answers})]
    colour = alt.Color(
        "n:N",
        title="n",
        sort=names,
        scale=alt.Scale(scheme="dark2"),
        legend=_legend(symbolType="stroke", titleOrient="left", titlePadding=12),
    )
    base = alt.Chart(data(rows)).encode(
        x=alt.X("δ:Q", title="δ", axis=alt.Axis(tickCount=5, format="~g")), color=colour
    )
    own = alt.Chart(data([{"δ": delta}])).mark_rule(strokeDash=[5, 4], color="#555").encode(x="δ:Q")

    def panel(column: str, title: str, axis: Any) -> Any:
        line = base.mark_line(point=True).encode(
            y=alt.Y(f"{column}:Q", title=title, axis=axis, scale=alt.Scale(zero=False))
        )
        return sized(own + line, _WIDTH, 210)

    share, length, rate, flip = (
        panel("share", "think-on share", alt.Axis(format="%", titlePadding=10)),
        panel("tokens", f"{lengths_in} per example", alt.Axis(titlePadding=10)),
        panel("rate", "pass rate of the kept mode", alt.Axis(format="%", titlePadding=10)),
        panel("flip", "mean flip probability", alt.Axis(format="%", titlePadding=10)),
    )
    spread = base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title="pass rate of the kept mode"), y2="high:Q")
    measured = base.mark_line(strokeDash=[2, 3]).encode(y=alt.Y("repeated:Q", title="mean flip probability"))
    return [share, length, sized(spread + rate, _WIDTH, 210), sized(measured + flip, _WIDTH, 210)]


def cost_curve(
    chosen: Sequence[tuple[str, float | None, float | None]], fixed: Sequence[tuple[str, float | None, float | None]]
) -> Any:
    """Mean cost of a response (x) against pass rate (y): a line through the choices by δ, and dots for fixed arms.

    Args:
        chosen, fixed: a name, a cost and a pass rate each; those that lack one are left out.
    """

    def rows(points: Sequence[tuple[str, float | None, float | None]]) -> list[dict[str, Any]]:
        return [
            {"name": name, "cost": cost, "rate": rate, "at": place}
            for place, (name, cost, rate) in enumerate(points)
            if cost is not None and rate is not None
        ]

    y = alt.Y("rate:Q", title="pass rate", axis=_FIFTHS, scale=alt.Scale(zero=False))
    x = alt.X("cost:Q", title="mean cost of a response", scale=alt.Scale(zero=False))
    line = alt.Chart(data(rows(chosen))).mark_line(point=True, color="#e76f51").encode(x=x, y=y, order="at:Q")
    dots = alt.Chart(data(rows(fixed))).encode(x=x, y=y)
    named = dots.mark_text(align="left", dx=6, fontSize=11).encode(text="name:N")
    return sized(line + dots.mark_point(color="#577590", filled=True, size=60) + named, _WIDTH, 240)
