"""Tests of HumanEval+ and MBPP+ tasks, as a `check` function: the reference gives the expected values, and the special
cases and tolerances are those of evalplus (evalplus.eval, Liu et al. 2023).
"""

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

FIELDS = ("base_input", "canonical_solution", "entry_point")

_SETS = (
    "similar_elements",
    "find_char_long",
    "common_in_nested_lists",
    "extract_singly",
    "larg_nnum",
    "intersection_array",
    "find_dissimilar",
    "Diff",
)
_PRESENCE = ("check_str", "text_match_three", "text_starta_endb")

_AGREES = {
    "find_zero": "abs(sum(c * math.pow(got, i) for i, c in enumerate(args[0]))) <= max(_atol, 1e-4)",
    "are_equivalent": "isinstance(got, bool)",
    "sum_div": "_equal(expected, got) or got == 0",
    "surface_Area": "_equal(expected, got) or abs(got - _pyramid(*args)) <= _atol",
    "digit_distance_nums": "_equal(expected, got) or got == _digit_distance(*args)",
    **dict.fromkeys(_SETS, "set(got) == set(expected)"),
}
"""When a result agrees with the reference, for tasks where equality is too strict. Where any boolean will do in
evalplus's own oracle, only a boolean does here."""

_TEMPLATE = """
import copy, math
{reference}
_reference = {entry}
_inputs = {inputs!r}
_atol = {atol!r}

def _near(expected, got):
    if isinstance(expected, (list, tuple)):
        alike = isinstance(got, (list, tuple)) and len(got) == len(expected)
        return alike and all(_near(e, g) for e, g in zip(expected, got))
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (expected, got))
    return abs(expected - got) <= _atol + 1e-7 * abs(expected) if numbers else __same__(expected, got)

def _equal(expected, got):
    return __same__(expected, got) or (_atol > 0 and _near(expected, got))

def _pyramid(base, height):
    return round(base ** 2 + 2 * base * math.sqrt((base / 2) ** 2 + height ** 2))

def _digit_distance(first, second):
    width = max(len(str(first)), len(str(second)))
    return sum(abs(int(a) - int(b)) for a, b in zip(str(first).zfill(width), str(second).zfill(width)))

def _present(value):
    return value if isinstance(value, bool) else value is not None

def _agrees(candidate, args):
    expected = _reference(*copy.deepcopy(args))
    got = candidate(*copy.deepcopy(args))
    return {agrees}

def check(candidate):
    for args in _inputs:
        assert _agrees(candidate, args)
"""


def is_task(raw: Mapping[str, Any]) -> bool:
    """Whether `raw` has the fields of an evalplus task."""
    return all(raw.get(field) for field in FIELDS)


def reference(task: Mapping[str, Any]) -> str:
    """The reference program of an evalplus task."""
    return f"{task.get('prompt') or ''}{task['canonical_solution']}"


def check_code(task: Mapping[str, Any]) -> str:
    """Test code that defines `check(candidate)` for an evalplus task: `base_input`, `plus_input`?, `prompt`?,
    `canonical_solution`, `entry_point`, `atol`?.
    """
    entry = task["entry_point"]
    agrees = (
        "_present(got) == _present(expected)" if entry in _PRESENCE else _AGREES.get(entry, "_equal(expected, got)")
    )
    return dedent(_TEMPLATE).format(
        reference=reference(task),
        entry=entry,
        inputs=[*task["base_input"], *(task.get("plus_input") or [])],
        atol=float(task.get("atol") or 0),
        agrees=agrees,
    )
