"""What is to be run under a gold, and whether anything can be. Ingest refuses golds by it, and the judge follows it."""

import ast
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from hipo_data.graders import syntax
from hipo_data.graders.code import cases
from hipo_data.graders.code.cases import Case, NotACase
from hipo_data.graders.code.comparison import EXACT, Comparison
from hipo_data.graders.code.extract import defined_names
from hipo_data.graders.code.names import names_under_test
from hipo_data.graders.inside.checking import check_function
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, CodeGold, StdinGold

_FAILING = (ast.Assert, ast.Raise)
_EVALUATES = frozenset({"eval", "exec", "compile", "__import__"})
_LOADS = frozenset({"pickle", "marshal", "shelve", "dill", "cloudpickle"})


class Unrunnable(ValueError):
    """Nobody can grade with the gold; the message says why."""


@dataclass(frozen=True)
class Calls:
    """Calls to make, all of them known beforehand, and the names that the program has to define itself."""

    cases: list[Case]
    setup: str
    tested: list[str]


@dataclass(frozen=True)
class Driven:
    """Test code that runs in a sandbox of its own and reaches the program by requests.

    `equates`: whether it does no more than compare results with those that it expects.
    """

    job: dict[str, Any]
    tested: list[str]
    equates: bool


def plan(gold: CodeGold, helpers: str = "", rules: Comparison = EXACT) -> Calls | Driven | None:
    """What is to be run; None where it is a program that reads standard input. Expected values are in it.

    `helpers`: functions that the question gives beside the one that is asked for. Raises `Unrunnable`.
    """
    try:
        if gold.checker is not None:
            _check_checker(gold.checker)
        if isinstance(gold, StdinGold):
            return None
        if isinstance(gold, CallGold):
            return _call_plan(gold, rules)
        return _test_plan(gold, helpers, rules)
    except Unrunnable:
        raise
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise Unrunnable(f"the tests cannot be run: {error or type(error).__name__}") from error


def _call_plan(gold: CallGold, rules: Comparison) -> Calls:
    function = _expression(gold.fn_name, "fn_name")
    _parsed(gold.import_prefix, "import_prefix")
    if not isinstance(function, (ast.Name, ast.Attribute)):
        raise Unrunnable(f"fn_name '{gold.fn_name[:80]}' is not the name of a function")
    made = []
    for place, (given, output) in enumerate(zip(gold.inputs, gold.outputs, strict=True)):
        arguments = [_json(line, "an argument", place) for line in given.split("\n") if line.strip()]
        expected = _json(output, "the result", place)
        holds = partial(rules.alike, expected, sequences=True)
        # JSON has one kind of sequence: what a program yields one by one is a list there, as a tuple is.
        made.append(Case(cases.request(gold.fn_name, arguments, {}) | {"listed": True}, holds, (expected,)))
    return Calls(made, gold.import_prefix, [gold.fn_name])


def _json(text: str, what: str, place: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unrunnable(f"{what} of test {place + 1} is not JSON: {text[:80]!r}") from error


def _test_plan(gold: CheckGold | AssertGold, helpers: str, rules: Comparison) -> Calls | Driven:
    _parsed(gold.import_prefix, "import_prefix")
    setup = f"{gold.import_prefix}\n{helpers}"
    given = defined_names(setup)
    if isinstance(gold, CheckGold):
        tree = _check_tree(gold)
        tested = [name for name in [gold.entry_point] if name.isidentifier()]
    else:
        tree = _parsed("\n".join(map(str.strip, gold.asserts)), "assert_case")
        tested = names_under_test(tree, given)
        if not tested:
            raise Unrunnable("the asserts call nothing that a program could define")
    if gold.checker is not None:
        raise Unrunnable("a checker is for tests that have inputs and outputs, and these are test code")
    try:
        if isinstance(gold, CheckGold):
            return Calls(cases.check_cases(tree, gold.entry_point, rules.alike), setup, tested)
        return Calls(cases.assert_cases(tree, tested, rules.alike), setup, tested)
    except NotACase:
        return _driven(gold, tree, setup, tested, rules)


def _driven(gold: CheckGold | AssertGold, tree: ast.Module, setup: str, tested: list[str], rules: Comparison) -> Driven:
    if not any(isinstance(node, _FAILING) or _is_method_of_tests(node) for node in ast.walk(tree)):
        raise Unrunnable("the tests assert nothing")
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = "".join(f"import numpy as {name}\n" for name in ("np", "numpy") if name in loaded - defined_names(setup))
    job = {
        "mode": "drive",
        "setup": f"{imports}{setup}",
        "test": ast.unparse(tree),
        "entry": gold.entry_point if isinstance(gold, CheckGold) else None,
        "proxies": [] if isinstance(gold, CheckGold) else tested,
        "unordered": rules.unordered,
        "relative": rules.relative,
        "absolute": rules.absolute,
    }
    asserted = [node.test for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    return Driven(job, tested, all(isinstance(test, ast.Compare) and type(test.ops[0]) is ast.Eq for test in asserted))


def _check_tree(gold: CheckGold) -> ast.Module:
    """The test code without calls of `check`, which the driver makes itself."""
    tree = _parsed(gold.test_code, "test_code")
    _expression(gold.entry_point, "entry_point")
    tree.body = [node for node in tree.body if not _calls_check(node)]
    if "check" not in defined_names(tree):
        raise Unrunnable("the test code defines no function check(candidate)")
    return tree


def _calls_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check"


def _is_method_of_tests(node: ast.AST) -> bool:
    """Whether it is a call such as `self.assertEqual(…)` or `np.testing.assert_allclose(…)`."""
    name = node.func if isinstance(node, ast.Call) else None
    return "assert" in (name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else "")


def _check_checker(text: str) -> None:
    """Raises `Unrunnable` for a checker that is no program, or that would run what it is to judge."""
    tree = _parsed(text, "checker")
    for node in ast.walk(tree):
        used: set[str] = set()
        if isinstance(node, ast.Name):
            used = {node.id} & _EVALUATES
        elif isinstance(node, ast.Import):
            used = {alias.name.partition(".")[0] for alias in node.names} & _LOADS
        elif isinstance(node, ast.ImportFrom):
            used = {str(node.module).partition(".")[0]} & _LOADS
        if used:
            raise Unrunnable(f"the checker uses '{min(used)}', by which an output could decide its own verdict")
    if check_function(tree) is None and not any(
        getattr(node, "attr", getattr(node, "id", "")) == "argv" for node in ast.walk(tree)
    ):
        raise Unrunnable("the checker neither defines check(input, output, expected) nor reads sys.argv")


def _parsed(text: str, what: str) -> ast.Module:
    try:
        return syntax.module(text)
    except SyntaxError as error:
        raise Unrunnable(f"{what} does not parse: {error}") from error


def _expression(text: str, what: str) -> ast.expr:
    body = _parsed(text.strip(), what).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise Unrunnable(f"{what} names no function: {text[:80]!r}")
    return body[0].value
