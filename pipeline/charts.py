"""Charts of the report, as SVG text: no script, no network."""

from typing import Any

import altair as alt
import polars as pl

from schemas.records import Mode
from stages.ingest_accounts import Accounts

_COLOURS = alt.Scale(domain=["think-off", "think-on", "dropped"], range=["#2a9d8f", "#e76f51", "#b8b8b8"])
_NAMED_REASONS = 5
_REASON_COLOURS = ["#e76f51", "#f4a261", "#e9c46a", "#9d4edd", "#577590", "#444444"]
_NAMES = {Mode.THINK_OFF.value: "think-off", Mode.THINK_ON.value: "think-on"}


def pass_rate_map(decisions: pl.DataFrame, delta: float) -> str:
    """Problems by pass rate without (x) and with thinking (y), coloured by mode; above the line thinking wins."""
    counted = (
        decisions.drop_nulls(["p_on", "p_off"])
        .with_columns(mode=_named("mode"), p_on=pl.col("p_on").round(2), p_off=pl.col("p_off").round(2))
        .group_by("p_off", "p_on", "mode")
        .len("problems")
        .sort("p_off", "p_on", "mode")
    )
    dots = (
        alt.Chart(_data(counted.to_dicts()))
        .mark_circle(opacity=0.75)
        .encode(
            x=alt.X("p_off:Q", title="pass rate without thinking", scale=alt.Scale(domain=[-0.05, 1.05], nice=False)),
            y=alt.Y("p_on:Q", title="pass rate with thinking", scale=alt.Scale(domain=[-0.05, 1.05], nice=False)),
            size=alt.Size("problems:Q", scale=alt.Scale(range=[20, 900])),
            color=alt.Color("mode:N", scale=_COLOURS, title=None),
        )
    )
    line = (
        alt.Chart(_data([{"x": 0.0, "y": delta}, {"x": 1.0 - delta, "y": 1.0}]))
        .mark_line(strokeDash=[5, 4], color="#555")
        .encode(x="x:Q", y="y:Q")
    )
    return _svg(dots + line, 360, 320)


def source_rows(accounts: Accounts) -> str:
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
    bars = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            y=alt.Y("dataset:N", title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("rows:Q", title="source rows"),
            color=alt.Color("outcome:N", scale=scale, title=None, sort=None),
            order="order:Q",
        )
    )
    return _svg(bars, 420, 30 + 30 * len(accounts.datasets))


def mode_shares(decisions: pl.DataFrame) -> str:
    """Problems by kind and by what became of them."""
    counted = decisions.with_columns(mode=_named("mode")).group_by("kind", "mode").len("problems").sort("kind", "mode")
    bars = (
        alt.Chart(_data(counted.to_dicts()))
        .mark_bar()
        .encode(
            y=alt.Y("kind:N", title=None),
            x=alt.X("problems:Q", title="problems"),
            color=alt.Color("mode:N", scale=_COLOURS, title=None),
            order="mode:N",
        )
    )
    return _svg(bars, 360, 90)


def token_histogram(examples: pl.DataFrame) -> str:
    """Kept responses by length in tokens and mode."""
    counted = (
        examples.with_columns(mode=_named("mode"), bin=_log_bin(pl.col("completion_tokens")))
        .group_by("bin", "mode")
        .len("examples")
        .sort("bin", "mode")
    )
    bars = (
        alt.Chart(_data(counted.to_dicts()))
        .mark_bar()
        .encode(
            x=alt.X("bin:O", title="tokens of the kept response, from", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("examples:Q", title="examples"),
            color=alt.Color("mode:N", scale=_COLOURS, title=None),
        )
    )
    return _svg(bars, 360, 220)


def _log_bin(tokens: pl.Expr) -> pl.Expr:
    """The lower edge of a bin: three bins each time the length doubles from 8 on, so that 10 and 10,000 both show."""
    return (2 ** ((tokens.clip(8).cast(pl.Float64).log(2) * 3 + 1e-9).floor() / 3)).round().cast(pl.Int64)


def _data(rows: list[dict[str, Any]]) -> Any:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _named(column: str) -> pl.Expr:
    return pl.col(column).replace_strict(_NAMES, default="dropped")


def _svg(chart: Any, width: int, height: int) -> str:
    import vl_convert

    spec = chart.properties(width=width, height=height).configure(font="sans-serif").configure_view(stroke=None)
    return str(vl_convert.vegalite_to_svg(spec.to_json()))
