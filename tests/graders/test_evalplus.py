"""HumanEval+ and MBPP+ shaped tasks: evalplus's special cases and tolerances, with our isolation."""

from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.schemas.records import Status
from tests.graders.conftest import code


def task(entry: str, solution: str, inputs: list[list[Any]], atol: float = 0) -> dict[str, Any]:
    return {
        "entry_point": entry,
        "prompt": "",
        "canonical_solution": solution,
        "base_input": inputs[:1],
        "plus_input": inputs[1:],
        "atol": atol,
    }


POLYNOMIAL = "def find_zero(xs):\n    return -xs[0] / xs[1]"
TASKS = {
    "plain": task("f", "def f(x): return x + 1", [[1], [2]]),
    "float": task("f", "def f(x): return x / 3", [[1], [2]]),
    "tolerance": task("f", "def f(x): return [x, x / 3]", [[1], [2]], atol=1e-2),
    "root": task("find_zero", POLYNOMIAL, [[[1, 2]], [[3, 4]]], atol=1e-4),
    "set": task("similar_elements", "def similar_elements(a, b): return tuple(set(a) & set(b))", [[[1, 2, 3], [2, 3]]]),
    "presence": task("check_str", "import re\ndef check_str(s): return re.search('a', s)", [["a"], ["b"]]),
    "pyramid": task("surface_Area", "def surface_Area(b, s): return 2 * b * s + b * b", [[3, 4]]),
    "in place": task("f", "def f(x):\n    x.sort()\n    return x", [[[3, 1]]]),
}


@pytest.mark.parametrize(
    ("name", "program", "right"),
    [
        ("plain", "def f(x): return 1 + x", True),
        ("plain", "def f(x): return 2", False),
        ("float", "def f(x): return x * 0.3333333333", True),
        ("float", "def f(x): return x * 0.3333", False),
        ("tolerance", "def f(x): return [x, x * 0.333]", True),
        ("tolerance", "def f(x): return [x, x * 0.3]", False),
        ("tolerance", "def f(x): return [x]", False),
        ("root", "def find_zero(xs): return -xs[0] / xs[1] + 1e-9", True),
        ("root", "def find_zero(xs): return 0", False),
        ("root", "def find_zero(xs): return float('nan')", False),
        ("set", "def similar_elements(a, b): return (3, 2)", True),
        ("set", "def similar_elements(a, b): return (3,)", False),
        ("presence", "import re\ndef check_str(s): return re.match('.*a', s)", True),
        ("presence", "def check_str(s): return 'a' in s", True),
        ("presence", "def check_str(s): return object()", False),
        ("pyramid", "def surface_Area(b, h): return 2 * b * h + b * b", True),
        ("pyramid", "import math\ndef surface_Area(b, h): return round(b*b + 2*b*math.sqrt(b*b/4 + h*h))", True),
        ("pyramid", "def surface_Area(b, h): return 0", False),
        ("in place", "def f(x): return sorted(x)", True),
        ("in place", "def f(x):\n    x.clear()\n    return x", False),
        ("plain", "class A:\n    def __eq__(self, o): return True\ndef f(x): return A()", False),
        ("float", "class A(float):\n    def __rsub__(self, o): return 0\ndef f(x): return A()", False),
    ],
)  # fmt: skip
def test_evalplus_tasks(grader: Grader, name: str, program: str, right: bool) -> None:
    grade = grader.grade([code(TASKS[name], program)])[0]
    assert grade.status is (Status.CORRECT if right else Status.INCORRECT), grade
