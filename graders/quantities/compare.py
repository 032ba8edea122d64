"""Whether a measured quantity is the gold's. Imported in workers only: it brings pint.

Decided here, since benchmarks differ (docs/decisions/0057):

- An answer is right within the gold's own tolerance. Where the gold names none, it is right within 1 %, or where one of
  the two is the other rounded to the two or more digits that it shows; within 5 % it is unknown, and wrong beyond.
- Units that measure the same are converted. An answer without a unit is read in the gold's.
- Where two conventions lead to different verdicts, as with turns and radians, nobody is told wrong: unknown.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import pint

from hipo_data.graders.quantities import reading, unit_text
from hipo_data.graders.quantities.reading import Quantity
from hipo_data.graders.quantities.unit_text import Product

TOLERANCE = Fraction(1, 100)
DOUBTFUL = Fraction(1, 20)
_SLACK = 1 + Fraction(1, 10**9)
"""Factors of conversion are floats."""
_ROUNDED_DIGITS = 2
_ALIASES = {
    "Torr": "torr", "AU": "astronomical_unit", "rev": "revolution", "revs": "revolution", "Angstrom": "angstrom",
    "gm": "gram", "hrs": "hour", "secs": "second", "mins": "minute", "deg": "degree", "degrees": "degree",
    "cycles": "cycle", "Ohm": "ohm", "moles": "mole", "metre": "meter", "amps": "ampere", "kilo": "kilogram",
    "kilos": "kilogram", "kgs": "kilogram", "kmph": "kilometer_per_hour", "pct": "percent",
    "G": "gauss_in_teslas", "gauss": "gauss_in_teslas", "Gauss": "gauss_in_teslas",
}  # fmt: skip
"""Names that pint lacks, or has for something else: its AU is a unit of absorbance."""
_NO_UNITS = frozenset(("R", "k", "a", "as", "at", "x", "y", "i", "pi", "or", "and", "the", "Nm", "unit", "units", "pH"))
"""Names that pint knows, as of constants or with a prefix, and that stand for something else in an answer."""
_CYCLES = frozenset(("hertz", "revolutions_per_second", "counts_per_second"))
_TURNS = frozenset(("revolutions_per_minute", "turn"))
_ANGLES = frozenset(("radian", "degree", "arcminute", "arcsecond"))
_POUNDS = frozenset(("pound", "ounce", "ton"))
_OFFSET = frozenset(("degree_Celsius", "degree_Fahrenheit"))
_TWO_PI = Fraction(710, 113)
_AVOGADRO = Fraction(602214076 * 10**15)


class Said(NamedTuple):
    """A verdict, null where it cannot be told, and its reason code."""

    equal: bool | None
    reason: str


class _Measured(NamedTuple):
    product: Product
    unit: Any
    """Of pint."""
    names: frozenset[str]
    """Of its units, as pint calls them without prefixes."""


def decide(gold: str, answer: str, unit: str | None, tolerance: float | None, error: float | None) -> Said | None:
    """Whether an answer is the gold's quantity; null where one of them is none, so that it is left to mathematics."""
    wanted, got = reading.read(gold), reading.read(answer)
    if wanted is None or got is None or _is_symbolic(wanted.unit) or reading.is_equation(gold):
        return None
    if unit is not None:
        wanted = wanted._replace(unit=unit)
    limits = _Limits(*(None if limit is None else Fraction(repr(limit)) for limit in (tolerance, error)))
    return _as_share(wanted, got, limits) or _decide(wanted, got, limits)


def without_unit(answer: str, unit: str | None) -> str | None:
    """An answer that is no quantity without the gold's unit behind it; null where another unit stands there, or what
    could be one."""
    parts = reading.upright_tail(answer)
    if unit is None or parts is None:
        return answer
    expression, tail = parts
    if unit_text.normalised(tail) == unit_text.normalised(unit):
        return expression
    pair = _pair(unit, tail)
    same = pair is not None and pair[0].unit.dimensionality == pair[1].unit.dimensionality
    return expression if same and pair is not None and _factor(pair[1], pair[0]) == 1 else None


def _is_symbolic(unit: str) -> bool:
    """Whether what stands behind a gold's number is neither a unit nor a word, so that `2x` is no two of anything."""
    plain = unit_text.normalised(unit)
    return bool(plain) and not _measured(unit) and not re.fullmatch(r"[^\W\d_]{3,}(?:[ -][^\W\d_]+)*", plain)


class _Limits(NamedTuple):
    tolerance: Fraction | None
    error: Fraction | None

    def says(self, wanted: Quantity, value: Fraction, got: Quantity | None = None) -> Said:
        """Of a value in the gold's unit. `got`: as it was written, where it was in that unit."""
        apart, size = abs(value - wanted.value), abs(wanted.value)
        if self.tolerance is not None or self.error is not None:
            allowed = max((self.tolerance or 0) * size, self.error or 0)
            return Said(True, "match") if apart <= allowed * _SLACK else Said(False, "outside_tolerance")
        if (
            apart <= TOLERANCE * size
            or _is_rounded(wanted, value)
            or (got is not None and _is_rounded(got, wanted.value))
        ):
            return Said(True, "match")
        return Said(None, "near_tolerance") if apart <= DOUBTFUL * size else Said(False, "outside_tolerance")


def _is_rounded(shown: Quantity, value: Fraction) -> bool:
    """Whether a number is `value` rounded to the digits that it shows, which are enough to say so."""
    if shown.half is None or shown.digits < _ROUNDED_DIGITS:
        return False
    return abs(shown.value - value) <= min(shown.half, DOUBTFUL * abs(shown.value))


def _decide(wanted: Quantity, got: Quantity, limits: _Limits) -> Said:
    numbers = limits.says(wanted, got.value, got)
    if not got.unit.strip() or not wanted.unit.strip():
        return _one_sided(wanted, got, numbers, limits)
    if unit_text.normalised(wanted.unit) == unit_text.normalised(got.unit):
        return _of_things(wanted, got, numbers)
    pair = _pair(wanted.unit, got.unit)
    if pair is None:
        return Said(None, "unclear_unit")
    return _converted(wanted, got, *pair, limits)


def _of_things(wanted: Quantity, got: Quantity, numbers: Said) -> Said:
    """Whole numbers of things, as of electrons, are counted and not measured."""
    counted = wanted.half is None and wanted.value.denominator == 1 and not _measured(wanted.unit)
    return Said(None, "near_tolerance") if numbers.equal and counted and wanted.value != got.value else numbers


def _one_sided(wanted: Quantity, got: Quantity, numbers: Said, limits: _Limits) -> Said:
    """Where one of the two has no unit."""
    if got.unit.strip():
        of_answer = next(iter(_measured(got.unit)), None)
        if of_answer is None and not numbers.equal:
            return Said(None, "unclear_unit")
        if of_answer is None or not of_answer.unit.dimensionless:
            return numbers
        plain = limits.says(wanted, got.value * _factor(of_answer, None))
        return plain if plain.equal else numbers
    if not wanted.unit.strip():
        return numbers
    if numbers.equal:
        said = _of_things(wanted, got, numbers)
        return Said(True, "match_without_unit") if said.equal else said
    if got.value and wanted.value and _is_power_of_ten(wanted, got, limits):
        return Said(None, "missing_unit")
    return Said(None, "missing_unit") if _is_in_basic_units(wanted, got, limits) else numbers


def _as_share(wanted: Quantity, got: Quantity, limits: _Limits) -> Said | None:
    """`0.45` for 45 %."""
    if got.unit.strip() or unit_text.normalised(wanted.unit) != "percent":
        return None
    said = limits.says(wanted, 100 * got.value)
    return Said(True, "match_without_unit") if said.equal else None


def _is_power_of_ten(wanted: Quantity, got: Quantity, limits: _Limits) -> bool:
    return any(limits.says(wanted, got.value * Fraction(10) ** power).equal for power in range(-12, 13) if power)


def _is_in_basic_units(wanted: Quantity, got: Quantity, limits: _Limits) -> bool:
    for measured in _measured(wanted.unit)[:1]:
        if measured.names & _OFFSET:
            return False
        basic = Fraction(_registry().Quantity(1.0, measured.unit).to_base_units().magnitude) * measured.product.scale
        return bool(basic) and bool(limits.says(wanted, got.value / basic).equal)
    return False


def _converted(wanted: Quantity, got: Quantity, into: _Measured, of: _Measured, limits: _Limits) -> Said:
    if into.unit.dimensionality != of.unit.dimensionality:
        return _of_other_dimension(wanted, got, into, of, limits)
    if into.names & _OFFSET or of.names & _OFFSET:
        return _of_temperatures(wanted, got, into, of, limits)
    value = got.value * _factor(of, into)
    rotation = _rotation(into.names), _rotation(of.names)
    if rotation == (_CYCLES, _TURNS):  # pint has 60 rpm as 2π Hz; everybody else has it as 1 Hz
        value /= _TWO_PI
    elif rotation == (_TURNS, _CYCLES):
        value *= _TWO_PI
    said = limits.says(wanted, value, None if value != got.value else got)
    if {_CYCLES, _ANGLES} == set(rotation) or (_TURNS in rotation and None in rotation):
        # A frequency for an angular frequency, or a turn for its angle: what is meant is a matter of convention.
        ways = [limits.says(wanted, value * turn).equal for turn in (1, _TWO_PI, 1 / _TWO_PI)]
        return Said(None, "turns_or_radians") if any(way is not False for way in ways) else said
    return said


def _rotation(names: frozenset[str]) -> frozenset[str] | None:
    return next((sort for sort in (_CYCLES, _TURNS, _ANGLES) if names & sort), None)


def _of_temperatures(wanted: Quantity, got: Quantity, into: _Measured, of: _Measured, limits: _Limits) -> Said:
    """Temperatures have a zero of their own; differences of them have not."""
    if into.product.single is None or of.product.single is None:
        return limits.says(wanted, got.value * _factor(of, into))
    try:
        absolute = _registry().Quantity(float(got.value), of.unit).to(into.unit).magnitude
    except OverflowError:
        return Said(False, "outside_tolerance")
    said = limits.says(wanted, Fraction(absolute))
    if said.equal is False and limits.says(wanted, got.value * _factor(of, into)).equal:
        return Said(None, "temperature_or_difference")
    return said


def _of_other_dimension(wanted: Quantity, got: Quantity, into: _Measured, of: _Measured, limits: _Limits) -> Said:
    """Wrong; but many leave out `per mole`, and write pounds where they mean their weight."""
    registry = _registry()
    if (into.names | of.names) & _POUNDS:
        return Said(None, "unclear_unit")
    target = _of_differences(into)
    for by in (registry.mole, 1 / registry.mole):
        unit = _of_differences(of) * by
        if unit.dimensionality == target.dimensionality:
            factor = Fraction(registry.Quantity(1.0, unit).to(target).magnitude)
            value = got.value * factor * of.product.scale / into.product.scale
            ways = (value, value * _AVOGADRO, value / _AVOGADRO)
            same = any(limits.says(wanted, each).equal is not False for each in ways)
            return Said(None, "unclear_unit") if same else Said(False, "other_unit")
    return Said(False, "other_unit")


def _pair(wanted: str, got: str) -> tuple[_Measured, _Measured] | None:
    """Both units as they were most probably meant: so that they measure the same, where any way to read them does."""
    into, of = _measured(wanted), _measured(got)
    same = ((a, b) for a in into for b in of if a.unit.dimensionality == b.unit.dimensionality)
    return next(same, (into[0], of[0]) if into and of else None)


def _factor(of: _Measured, into: _Measured | None) -> Fraction:
    """By what to multiply a value to have it in the other unit; without one, as a pure number."""
    registry = _registry()
    target = registry.dimensionless if into is None else _of_differences(into)
    factor = registry.Quantity(1.0, _of_differences(of)).to(target).magnitude
    return Fraction(factor) * of.product.scale / (into.product.scale if into else 1)


def _of_differences(measured: _Measured) -> Any:
    registry = _registry()
    if not measured.names & _OFFSET:
        return measured.unit
    powers = {_delta(name): power for name, power in dict(measured.unit._units).items()}
    return registry.Unit(pint.util.UnitsContainer(powers))


def _delta(name: str) -> str:
    return f"delta_{name}" if name in _OFFSET else name


@lru_cache(maxsize=4096)
def _measured(text: str) -> list[_Measured]:
    """All ways to read a unit whose names are known."""
    found = []
    for product in unit_text.products(text):
        names = [_known(name) for name, _ in product.powers]
        if any(name is None for name in names):
            continue
        powers: dict[str, int] = {}
        for known, (_, power) in zip(names, product.powers, strict=True):
            assert known is not None
            powers["".join(known)] = powers.get("".join(known), 0) + power
        if len(product.powers) > 1 or any(power != 1 for power in powers.values()):
            powers = {_delta(name): power for name, power in powers.items()}
        unit = _registry().Unit(pint.util.UnitsContainer(powers))
        found.append(_Measured(product, unit, frozenset(known[1] for known in names if known)))
    return found


@lru_cache(maxsize=4096)
def _known(name: str) -> tuple[str, str] | None:
    """Prefix and unit, as pint calls them."""
    if name in _NO_UNITS:
        return None
    for spelling in (_ALIASES.get(name, name), name.lower() if len(name) > 2 else None):
        parsed = _registry().parse_unit_name(spelling) if spelling else ()
        if parsed:
            return parsed[0][0], parsed[0][1]
    return None


@lru_cache(maxsize=1)
def _registry() -> Any:
    registry: Any = pint.UnitRegistry(cache_folder=None)
    registry.define("gauss_in_teslas = 1e-4 tesla")  # its gauss is of a system of its own, which converts into none
    return registry
