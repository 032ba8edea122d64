"""Figures as the page and the command write them."""

from collections.abc import Iterable
from statistics import fmean, stdev

from hipo_data.figures.text import NOTHING


def spread(values: Iterable[float | None], digits: int = 3) -> str:
    """Mean ± standard deviation over seeds (n − 1), as text; a dash where there is nothing."""
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    more = f" ± {stdev(known):.{digits}f}" if len(known) > 1 else ""
    return f"{fmean(known):.{digits}f}{more}"


def signed(value: float, digits: int = 1) -> str:
    """With its sign, which for a negative one is the minus of typesetting: `−4.9`, `+0.3`."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")  # + 0.0, as there is a −0.0


def percent(share: float) -> str:
    """A change as a share, in percent: `−4.9 %`."""
    return f"{signed(100 * share)} %"


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; its first column, the names, has no title."""
    heads = ["", *titles]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|" for line in lines)
