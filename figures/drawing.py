"""Altair charts as pictures, without a browser and without a network."""

import json
from pathlib import PurePath
from typing import Any

from hipo_data.figures import terminal

_PNG_SCALE = 2.0  # sharp on screens of high density

PICTURES = (".svg", ".png")
"""Endings of the names of pictures."""


def data(rows: list[dict[str, Any]]) -> Any:
    """Rows as the data of a chart."""
    import altair as alt

    # A tuple, as Altair copies each list of values again for every layer that shares it.
    return alt.Data(values=tuple(rows))  # type: ignore[no-untyped-call]


def sized(chart: Any, width: int, height: int) -> Any:
    """The chart in so many pixels, axes and legend beside them."""
    return chart.properties(width=width, height=height)


def svg(chart: Any) -> str:
    """The chart as SVG text, which holds no script."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(_spec(chart)))


def png(chart: Any) -> bytes:
    """The chart as PNG."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(_spec(chart), scale=_PNG_SCALE))


def picture(chart: Any, name: PurePath) -> bytes:
    """The chart as the picture that a file of this name holds. Raises `ValueError` unless it ends as `PICTURES` do."""
    if name.suffix not in PICTURES:
        raise ValueError(f"{name}: the name of a chart ends in {' or '.join(PICTURES)}")
    return svg(chart).encode() if name.suffix == ".svg" else png(chart)


def _spec(chart: Any) -> str:
    plain = chart.configure(font="sans-serif", background="white").configure_view(stroke=None)
    spec = plain.configure_axis(gridColor="#eee", domainColor="#999", tickColor="#999").to_dict()
    return json.dumps(_drawable(spec))


def _drawable(tree: Any) -> Any:
    """Texts of others without control characters, at one of which the renderer ends the whole process."""
    if isinstance(tree, dict):
        return {_drawable(name): _drawable(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_drawable(value) for value in tree]
    return terminal.plain(tree) if isinstance(tree, str) else tree
