"""One task, f(x) = x * x + 1, in every gold shape, and programs that can be put into each of them."""

import json
from textwrap import dedent, indent
from typing import Any, NamedTuple

INPUTS = (0, 2, 5, 7)
CHECKS_TEXT = "def check(input, output, expected):\n    return output.split() == expected.split()"
CHECKS_VALUE = "def check(input, output, expected):\n    return type(output) is int and output == input[0] ** 2 + 1"


class Program(NamedTuple):
    """Code before `f`, and the body of `f`."""

    name: str
    before: str = ""
    body: str = "return -1"


def golds() -> dict[str, Any]:
    """The task in every gold shape; shapes whose tests cannot be turned into calls and literals need a driver."""
    pairs = [(x, x * x + 1) for x in INPUTS]
    checks = "\n".join(f"    assert candidate({x}) == {y}" for x, y in pairs)
    loop = f"    for x, y in {pairs}:\n        assert candidate(x) == y"
    return {
        "stdin": {"inputs": [f"{x}\n" for x, _ in pairs], "outputs": [f"{y}\n" for _, y in pairs]},
        "test cases": {"test_cases": [{"input": f"{x}\n", "output": f"{y}\n"} for x, y in pairs]},
        "call": {
            "fn_name": "f",
            "inputs": [json.dumps(x) for x, _ in pairs],
            "outputs": [json.dumps(y) for _, y in pairs],
        },
        "check": {"test_code": f"def check(candidate):\n{checks}", "entry_point": "f"},
        "check by driver": {"test_code": f"def check(candidate):\n{loop}", "entry_point": "f"},
        "asserts": {"assert_case": [f"assert f({x}) == {y}" for x, y in pairs]},
        "asserts by driver": {"assert_case": [f"assert [f({x}), 0] == [{y}, 0]" for x, y in pairs]},
        "method": {
            "fn_name": "f",
            "inputs": [json.dumps(x) for x, _ in pairs],
            "outputs": [json.dumps(y) for _, y in pairs],
        },
        "checker": {
            "inputs": [f"{x}\n" for x, _ in pairs],
            "outputs": [f"{y}\n" for _, y in pairs],
            "checker": CHECKS_TEXT,
        },
        "call with a checker": {
            "fn_name": "f",
            "inputs": [[x] for x, _ in pairs],
            "outputs": [[y] for _, y in pairs],
            "checker": CHECKS_VALUE,
        },
        "check of a method": {"test_code": f"def check(candidate):\n{checks}", "entry_point": "Solution().f"},
    }


def source(program: Program, shape: str) -> str:
    """The program in the form that a gold shape asks for."""
    before, body = dedent(program.before).strip(), dedent(program.body).strip()
    if "method" in shape:
        return f"{before}\nclass Solution:\n    def f(self, x):\n{indent(body, ' ' * 8)}\n"
    function = f"{before}\ndef f(x):\n{indent(body, ' ' * 4)}\n"
    return function + ("print(f(int(input())))\n" if shape in ("stdin", "test cases", "checker") else "")
