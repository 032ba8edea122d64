"""Several right outputs: a gold's checker judges them, in a sandbox of its own; what it does not say is unknown."""

from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.schemas.gold import StdinGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import Grade, Status
from tests.graders.conftest import code

DIVISOR = """
def check(input, output, expected):
    words = output.split()
    return len(words) == 1 and words[0].isdigit() and 1 < int(words[0]) < int(input) and int(input) % int(words[0]) == 0
"""
SCRIPT = """
import sys
number, wanted, printed = (open(name).read() for name in sys.argv[1:4])
words = printed.split()
assert wanted.strip() in ("3", "5")
print(int(len(words) == 1 and words[0].isdigit() and int(number) % int(words[0]) == 0))
"""
TESTS = {"inputs": ["15\n", "25\n"], "outputs": ["3\n", "5\n"]}
ANOTHER = "n = int(input())\nprint(next(d for d in range(n - 1, 1, -1) if n % d == 0))"
WRONG = "print(4)"


def graded(grader: Grader, checker: str, *programs: str, tests: dict[str, Any] = TESTS) -> list[Grade]:
    return grader.grade([code(tests | {"checker": checker}, program) for program in programs])


def verdicts(grades: list[Grade]) -> list[tuple[Status, str]]:
    return [(grade.status, grade.reason) for grade in grades]


@pytest.mark.parametrize("checker", [DIVISOR, SCRIPT], ids=["function", "script"])
def test_any_output_that_the_checker_takes_is_right(grader: Grader, checker: str) -> None:
    grades = graded(grader, checker, ANOTHER, WRONG, "print(5)", "print()", "raise ValueError")
    assert verdicts(grades) == [
        (Status.CORRECT, "passed"),
        (Status.INCORRECT, "wrong_output"),
        (Status.CORRECT, "passed"),
        (Status.INCORRECT, "wrong_output"),
        (Status.INCORRECT, "runtime_error"),
    ]
    assert [(grade.tests_passed, grade.tests_total) for grade in grades[:2]] == [(2, 2), (0, 2)]


def test_results_of_calls_are_judged_as_values(grader: Grader) -> None:
    tests = {"fn_name": "f", "inputs": [[[1, 2, 3], 3]], "outputs": [[[0, 1]]]}
    checker = (
        "def check(input, output, expected):\n"
        "    xs, total = input\n"
        "    assert expected == [0, 1]\n"
        "    return type(output) is list and len(set(output)) == 2 and sum(xs[i] for i in output) == total"
    )
    programs = ["def f(xs, t): return [1, 0]", "def f(xs, t): return [0, 2]", "def f(xs, t): return 7"]
    statuses = [grade.status for grade in graded(grader, checker, *programs, tests=tests)]
    assert statuses == [Status.CORRECT, Status.INCORRECT, Status.INCORRECT]


@pytest.mark.parametrize(
    "signature",
    ["check(input, output, expected)", "check(expected_output, output, stdin_input)", "check(given, got, answer)",
     "is_valid(input_str, printed, correct)", "check(a, b, c)"],
)  # fmt: skip
def test_a_checker_gets_what_its_parameters_say(grader: Grader, signature: str) -> None:
    names = [name.strip() for name in signature.partition("(")[2].rstrip(")").split(",")]
    given, output, expected = (names[2], names[1], names[0]) if names[0].startswith("exp") else names
    checker = f"def {signature}:\n    return {given} == '15' and {expected} == '3' and {output} == '5\\n'"
    tests = {"inputs": ["15"], "outputs": ["3"]}
    assert verdicts(graded(grader, checker, "print(5)", tests=tests)) == [(Status.CORRECT, "passed")]


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError",
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "return None",
        "return 'yes'",
        "return 2",
        "while True: pass",
        "return [0] * 10**12",
        "import ctypes; ctypes.string_at(0)",
    ],
)
def test_a_checker_that_fails_makes_nothing_right_or_wrong(grader: Grader, body: str) -> None:
    grades = graded(grader, f"def check(input, output, expected):\n    {body}", "print(3)", WRONG)
    assert verdicts(grades) == [(Status.UNKNOWN, "checker_error")] * 2


@pytest.mark.parametrize(
    "script", ["import sys\nsys.argv\nraise ValueError", "import sys; sys.argv; sys.exit(1)", "import sys\nsys.argv",
               "import sys\nsys.argv\nprint('ok')", "import sys\nsys.argv\nprint(7)"],
)  # fmt: skip
def test_a_script_that_says_nothing_makes_nothing_right_or_wrong(grader: Grader, script: str) -> None:
    assert verdicts(graded(grader, script, "print(3)")) == [(Status.UNKNOWN, "checker_error")]


def test_a_checker_that_cannot_be_loaded_fails_for_every_test(grader: Grader) -> None:
    checker = "import no_such_module\ndef check(input, output, expected): return True"
    assert verdicts(graded(grader, checker, "print(3)")) == [(Status.UNKNOWN, "checker_error")]


def test_a_failure_that_is_certain_stands_beside_one_that_is_not(grader: Grader) -> None:
    checker = "def check(input, output, expected):\n    assert int(input) != 15\n    return False"
    assert verdicts(graded(grader, checker, "print(3)")) == [(Status.INCORRECT, "wrong_output")]
    crashing = "n = input()\nif n == '25': raise ValueError\nprint(3)"
    assert verdicts(graded(grader, checker, crashing)) == [(Status.INCORRECT, "runtime_error")]


SEARCH = """
import gc, glob, os, sys
found = []
for pattern in ("/tmp/*", "/tmp/*/*", "expected", "../*/expected", "/proc/*/cwd/expected", "/dev/shm/*"):
    for name in glob.glob(pattern):
        try: found += open(name).read().split()
        except OSError: pass
for value in gc.get_objects():
    if isinstance(value, (list, tuple)): found += [item for item in value if isinstance(item, str)]
frame = sys._getframe()
while frame:
    found += [repr(value) for value in list(frame.f_locals.values())]
    frame = frame.f_back
wanted = "".join(["7152", "25739"])
print("secret" if any(wanted in word for word in found) else "none")
"""


@pytest.mark.parametrize("form", ["function", "script"])
def test_what_the_checker_knows_never_comes_near_the_program(grader: Grader, form: str) -> None:
    told = {
        "function": "def check(input, output, expected): return output.split() == ['secret'] and 715225739 > 0",
        "script": "import sys\nprint(int(open(sys.argv[3]).read().split() == ['secret']))  # 715225739",
    }
    tests = {"inputs": ["1", "2", "3"], "outputs": ["715225739"] * 3}
    assert verdicts(graded(grader, told[form], SEARCH, tests=tests)) == [(Status.INCORRECT, "wrong_output")]


OUTPUTS = [
    "__import__('os')._exit(0)",
    "True",
    '{"right": true}',
    "{0.__class__}",
    "%(right)s",
    "\\x00\\x00\\x00\\x10\\x00\\x00\\x00\\x00" + '{"right": true}',
    "3 5",
    "3\\n3",
]


@pytest.mark.parametrize("text", OUTPUTS)
def test_an_output_does_not_decide_its_own_verdict(grader: Grader, text: str) -> None:
    assert verdicts(graded(grader, DIVISOR, f"print('''{text}''')")) == [(Status.INCORRECT, "wrong_output")]


def test_a_reply_that_is_no_value_is_wrong_before_the_checker_sees_it(grader: Grader) -> None:
    """Otherwise a program could make the checker fail, and be unknown rather than wrong."""
    forge = """
import gc, sys
wire = sys.modules["hipo_data.graders.inside.wire"]
wire.encode = lambda value, keep=None: {"h": 0}
def f(x): return 1
"""
    tests = {"fn_name": "f", "inputs": [[1]], "outputs": [[2]]}
    checker = "def check(input, output, expected): return output == expected"
    assert verdicts(graded(grader, checker, forge, tests=tests)) == [(Status.INCORRECT, "bad_reply")]


def test_a_program_that_floods_is_stopped_before_the_checker(grader: Grader) -> None:
    flood = "import sys\nwhile True: sys.stdout.write('3' * 65536)"
    (grade,) = graded(grader, DIVISOR, flood)
    assert grade.status is Status.INCORRECT
    assert grade.reason in ("output_limit", "time_limit", "crashed", "runtime_error")


def test_a_gold_that_was_never_parsed_is_refused_by_the_judge_as_well(grader: Grader) -> None:
    gold = StdinGold(inputs=["15"], outputs=["3"], checker="def check(a, b, c): return eval(b)")
    request = GradeRequest(id="x", kind="code", question="", gold=gold, response="```python\nprint(True)\n```")
    assert verdicts(grader.grade([request])) == [(Status.UNKNOWN, "bad_tests")]
