"""How sure a share is: Wilson's interval, of one share and of a column of them."""

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import polars as pl

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution, for two-sided intervals of 95 %."""

Number = TypeVar("Number", float, "pl.Expr")


class Interval(NamedTuple):
    """An interval of a share, within 0 to 1."""

    low: float
    high: float


def wilson(right: float, n: float, z: float = Z95) -> Interval:
    """The score interval of a share, `right` of `n` (Wilson 1927). Raises `ValueError` unless 0 ≤ right ≤ n, n > 0."""
    if not 0 <= right <= n or n <= 0:
        raise ValueError(f"{right} of {n} is no share")
    low, high = score_interval(right / n, n, z)
    return Interval(max(0.0, low), min(1.0, high))


def score_interval(share: Number, n: Number, z: float = Z95) -> tuple[Number, Number]:
    """Both ends of `wilson`'s interval, where rounding may leave them just outside of 0 to 1.

    Args:
        share: 0 to 1, as a number or a column.
        n: of how many, above 0; in a column null gives null.
        z: point of the normal distribution.
    """
    scale = 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / scale
    half = z / scale * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return centre - half, centre + half
