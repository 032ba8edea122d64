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
    "find_zero": "abs(sum(c * math.pow(got, i) for i, c in enumerate(args[0]))) <= max(atol, 1e-4)",
    "are_equivalent": "isinstance(got, bool)",
    "sum_div": "equal(expected, got) or got == 0",
    "surface_Area": "equal(expected, got) or abs(got - pyramid(*args)) <= atol",
    "digit_distance_nums": "equal(expected, got) or got == digit_distance(*args)",
    **dict.fromkeys(_SETS, "set(got) == set(expected)"),
}
"""When a result agrees with the reference, for tasks where equality is too strict. Where any boolean will do in
evalplus's own oracle, only a boolean does here."""

_TEMPLATE = """
import copy, math
{reference}
reference = {entry}
inputs = {inputs!r}
atol = {atol!r}

def near(expected, got):
    if isinstance(expected, (list, tuple)):
        alike = isinstance(got, (list, tuple)) and len(got) == len(expected)
        return alike and all(near(e, g) for e, g in zip(expected, got))
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (expected, got))
    return abs(expected - got) <= atol + 1e-7 * abs(expected) if numbers else __same__(expected, got)

def equal(expected, got):
    return __same__(expected, got) or (atol > 0 and near(expected, got))

def pyramid(base, height):
    return round(base ** 2 + 2 * base * math.sqrt((base / 2) ** 2 + height ** 2))

def digit_distance(first, second):
    width = max(len(str(first)), len(str(second)))
    return sum(abs(int(a) - int(b)) for a, b in zip(str(first).zfill(width), str(second).zfill(width)))

def present(value):
    return value if isinstance(value, bool) else value is not None

def check(candidate):
    for given in inputs:
        args = copy.deepcopy(given)
        expected = reference(*copy.deepcopy(given))
        got = candidate(*copy.deepcopy(given))
        assert {agrees}
"""


def is_task(raw: Mapping[str, Any]) -> bool:
    """Whether `raw` has the fields of an evalplus task."""
    return all(raw.get(field) for field in FIELDS)


def check_code(task: Mapping[str, Any]) -> str:
    """Test code that defines `check(candidate)` for an evalplus task: `base_input`, `plus_input`?, `prompt`?,
    `canonical_solution`, `entry_point`, `atol`?.
    """
    entry = task["entry_point"]
    agrees = "present(got) == present(expected)" if entry in _PRESENCE else _AGREES.get(entry, "equal(expected, got)")
    return dedent(_TEMPLATE).format(
        reference=f"{task.get('prompt') or ''}{task['canonical_solution']}",
        entry=entry,
        inputs=[*task["base_input"], *(task.get("plus_input") or [])],
        atol=float(task.get("atol") or 0),
        agrees=agrees,
    )
