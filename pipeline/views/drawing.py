"""Altair charts as pictures, without a browser and without a network."""

from typing import Any

import altair as alt
import vl_convert

MODES = ["think-off", "think-on", "dropped"]
MODE_COLOURS = alt.Scale(domain=MODES, range=["#2a9d8f", "#e76f51", "#b8b8b8"])
_PNG_SCALE = 2.0  # sharp on screens of high density


def data(rows: list[dict[str, Any]]) -> Any:
    """Rows as the data of a chart."""
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def sized(chart: Any, width: int, height: int) -> Any:
    """The chart in so many pixels, axes and legend beside them."""
    return chart.properties(width=width, height=height)


def svg(chart: Any) -> str:
    """The chart as SVG text, which holds no script."""
    return str(vl_convert.vegalite_to_svg(_spec(chart)))


def png(chart: Any) -> bytes:
    """The chart as PNG."""
    return bytes(vl_convert.vegalite_to_png(_spec(chart), scale=_PNG_SCALE))


def _spec(chart: Any) -> str:
    plain = chart.configure(font="sans-serif", background="white").configure_view(stroke=None)
    return str(plain.configure_axis(gridColor="#eee", domainColor="#999", tickColor="#999").to_json())
