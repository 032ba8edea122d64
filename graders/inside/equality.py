"""When a returned value equals an expected one."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

RELATIVE = 1e-7
ABSOLUTE = 1e-6
"""evalplus's tolerances (those of `numpy.testing.assert_allclose`, with its absolute floor of 1e-6)."""

_MATCHED_BY_TRYING = 1000


def same(
    expected: Any, got: Any, sequences: bool = False, relative: float = RELATIVE, absolute: float = ABSOLUTE
) -> bool:
    """Whether `got` equals `expected`: booleans are no numbers, floats are equal within the tolerances.

    `sequences`: a tuple equals a list with the same items, and a key that is an integer its digits, as in JSON.
    """
    if isinstance(expected, bool) or isinstance(got, bool):
        return isinstance(expected, bool) and isinstance(got, bool) and expected == got
    if isinstance(expected, float) and isinstance(got, (int, float)):
        return close(expected, got, relative, absolute)
    if isinstance(expected, int) and isinstance(got, float):
        return close(expected, got, relative, absolute)
    if isinstance(expected, (list, tuple)):
        kind = list if isinstance(expected, list) else tuple
        if not isinstance(got, (list, tuple) if sequences else kind) or len(expected) != len(got):
            return False
        return all(same(e, g, sequences, relative, absolute) for e, g in zip(expected, got, strict=True))
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping) or len(expected) != len(got):
            return False
        if sequences and all(isinstance(key, int) and not isinstance(key, bool) for key in got):
            got = {str(key): value for key, value in got.items()}
        return all(
            key in got and same(value, got[key], sequences, relative, absolute) for key, value in expected.items()
        )
    if type(expected).__module__ == "numpy" or type(got).__module__ == "numpy":
        return _same_arrays(expected, got, relative, absolute)
    if isinstance(got, (list, tuple, Mapping)) or _foreign(got):
        return False
    return bool(expected == got)


def same_unordered(
    expected: Any, got: Any, sequences: bool = False, relative: float = RELATIVE, absolute: float = ABSOLUTE
) -> bool:
    """`same`, with the items of a list or tuple in any order; the order inside of the items counts."""
    alike = partial(same, sequences=sequences, relative=relative, absolute=absolute)
    if not isinstance(expected, (list, tuple)) or not isinstance(got, (list, tuple)):
        return alike(expected, got)
    if len(expected) != len(got) or not (sequences or isinstance(got, type(expected))):
        return False
    if all(map(alike, sorted(expected, key=repr), sorted(got, key=repr))):
        return True
    if len(expected) > _MATCHED_BY_TRYING:
        return False
    left = list(got)
    for item in expected:
        place = next((place for place, other in enumerate(left) if alike(item, other)), None)
        if place is None:
            return False
        del left[place]
    return True


def close(expected: float, got: float, relative: float = RELATIVE, absolute: float = ABSOLUTE) -> bool:
    """Whether two numbers differ by at most `absolute + relative * |expected|`; NaN equals NaN."""
    try:
        if math.isnan(expected) or math.isnan(got):
            return math.isnan(expected) and math.isnan(got)
        if math.isinf(expected) or math.isinf(got):
            return expected == got
        return abs(expected - got) <= absolute + relative * abs(expected)
    except OverflowError:
        return expected == got


def _foreign(value: Any) -> bool:
    return type(value).__module__ not in (
        "builtins",
        "fractions",
        "decimal",
        "collections",
        "hipo_data.graders.inside.prelude",
    )


def _same_arrays(expected: Any, got: Any, relative: float, absolute: float) -> bool:
    as_lists = [value.tolist() if hasattr(value, "tolist") else value for value in (expected, got)]
    return type(expected) is type(got) and same(as_lists[0], as_lists[1], False, relative, absolute)
