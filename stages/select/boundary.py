"""Where δ lies between two pass rates, without rounding.

"Significantly higher" is left open by HiPO's authors. Decided here: a gain has to be *more* than δ, so that a tie at δ
goes to think-off. Pass rates of few rollouts tie often where δ is one of the differences that they can show, and
sending those ties to think-on was the worse choice in every world that was tried.

Rates are quotients of counts and δ is the decimal that the recipe writes, so that the comparison is one of integers.
"""

from fractions import Fraction
from functools import lru_cache
from math import floor, lcm
from typing import overload

import polars as pl

from hipo_data.schemas.config import SampleConfig, SelectConfig
from hipo_data.schemas.records import Mode

_DIGITS = 10**20
_FEW = 32


@overload
def exceeds(right_on: int, n_on: int, right_off: int, n_off: int, delta: float) -> bool: ...
@overload
def exceeds(right_on: pl.Expr, n_on: pl.Expr, right_off: pl.Expr, n_off: pl.Expr, delta: float) -> pl.Expr: ...
def exceeds(
    right_on: int | pl.Expr, n_on: int | pl.Expr, right_off: int | pl.Expr, n_off: int | pl.Expr, delta: float
) -> bool | pl.Expr:
    """Whether `right_on / n_on - right_off / n_off > δ`, exactly; δ as its shortest decimal.

    Of columns the integers have 128 bits: enough for a million rollouts a mode. Where a count is 0, nothing does.
    """
    over, under = decimal(delta).as_integer_ratio()
    if isinstance(right_on, pl.Expr):
        right_on, n_on, right_off, n_off = (
            column.cast(pl.Int128) for column in (right_on, n_on, right_off, n_off) if isinstance(column, pl.Expr)
        )
        return (right_on * n_off - right_off * n_on) * pl.lit(under, pl.Int128) > n_on * n_off * pl.lit(over, pl.Int128)
    return (right_on * n_off - right_off * n_on) * under > over * n_on * n_off


@lru_cache
def decimal(delta: float) -> Fraction:
    """δ as it is written: 0.15 is 3/20, not the binary number next to it. Digits after the twentieth are left out."""
    return Fraction(int(Fraction(repr(float(delta))) * _DIGITS), _DIGITS)


def alike(delta: float, n_on: int, n_off: int) -> float:
    """A δ that `exceeds` decides by as by `delta`, wherever the modes have at most so many graded rollouts.

    It is the same for all δ that do: the middle between the differences of pass rates next to them. `delta` itself
    where there are so many rollouts that hardly two δ do.
    """
    if max(n_on, n_off) > _FEW:
        return delta
    wholes = [(floor(decimal(delta) * parts), parts) for parts in _parts(n_on, n_off)]
    below = max(Fraction(whole, parts) for whole, parts in wholes)
    above = min(Fraction(whole + 1, parts) for whole, parts in wholes)
    return float((below + above) / 2)


def standing_for(config: SelectConfig, n_on: int, n_off: int) -> float:
    """A δ by which the config's policy makes of so many graded rollouts what it makes of them by its own δ.

    The same for as many δ as is known: for all under a policy that does not read it.
    """
    if config.by_posterior or config.policy == "effort":
        return config.delta
    return alike(config.delta, n_on, n_off) if config.policy == "hipo" else 0.0


@lru_cache
def _parts(n_on: int, n_off: int) -> tuple[int, ...]:
    """What differences of two pass rates are whole parts of."""
    return tuple({lcm(on, off) for on in range(1, max(n_on, 1) + 1) for off in range(1, max(n_off, 1) + 1)})


def ties(delta: float, n_on: int, n_off: int) -> bool:
    """Whether two pass rates of so many graded rollouts can differ by exactly δ."""
    return min(n_on, n_off) > 0 and any(
        ((Fraction(right, n_on) - decimal(delta)) * n_off).denominator == 1
        for right in range(n_on + 1)
        if Fraction(right, n_on) >= decimal(delta)
    )


def decides(select: SelectConfig, sample: SampleConfig) -> bool:
    """Whether the policy asks which mode gains more than δ, and full sampling's pass rates can tie there."""
    return (
        select.policy == "hipo"
        and not select.by_posterior
        and ties(select.delta, *(sample.count(mode) for mode in Mode))
    )


def notice(select: SelectConfig, sample: SampleConfig) -> str | None:
    """What a user should know of a δ at which pass rates can tie, with the nearest δ to either side at which they
    cannot; null where there is nothing to know."""
    if not decides(select, sample):
        return None
    n_on, n_off = (sample.count(mode) for mode in Mode)
    half = Fraction(1, 2 * lcm(n_on, n_off))
    below, above = decimal(select.delta) - half, decimal(select.delta) + half
    counts = f"{n_off}" if n_on == n_off else f"{n_on} and {n_off}"
    near = []
    if below > 0:
        near.append(f"{float(below):.6g} would let them think")
    if above < 1:
        near.append(f"{float(above):.6g} decides as {select.delta:g} does, without ties")
    return (
        f"select.delta {select.delta:g} is a difference that pass rates of {counts} rollouts can show: problems that "
        f"lie exactly there go to think-off; {', '.join(near)}"
    )
