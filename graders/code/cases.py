"""Turns asserts into cases: a call to make, and what its result must be, kept apart from each other."""

import ast
import operator
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from hipo_data.graders import syntax
from hipo_data.graders.inside import prelude, wire
from hipo_data.graders.inside.equality import same

Target = Callable[[ast.expr], str]
"""Names the function that is called, as the candidate's module knows it. Raises `NotACase`."""
Alike = Callable[[Any, Any], bool]
"""Whether an expected value and a result agree."""
_MAX_REPEAT = 100_000
_NODE_MAKERS = {"list_node": prelude.list_node, "tree_node": prelude.tree_node}
_NODE_TESTS = {"is_same_list": "list_node", "is_same_tree": "tree_node"}
_CONVERSIONS: dict[str, Callable[..., Any]] = {
    "set": set, "list": list, "tuple": tuple, "dict": dict, "float": float, "frozenset": frozenset, "str": str,
    "int": int, "abs": abs, "round": round, "range": range, "complex": complex,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}  # fmt: skip
_ORDERINGS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {ast.Lt: operator.lt, ast.LtE: operator.le}


@dataclass(frozen=True)
class Case:
    """`request` goes to the candidate; `holds` judges the decoded result and stays here.

    `expected`: the result that is right, as the only item; empty where a case asks for something else.
    """

    request: dict[str, Any]
    holds: Callable[[Any], bool]
    expected: tuple[Any, ...] = ()


class NotACase(ValueError):
    """The statement is no call with literal arguments beside a literal; it needs a driver."""


def request(target: str, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The request to call `target` (a name or an expression in the candidate's module) with plain values."""
    coded = [[name, wire.encode(value)] for name, value in kwargs.items()]
    return {"target": target, "args": [wire.encode(value) for value in args], "kwargs": coded}


def check_cases(test_code: str | ast.Module, entry_point: str, alike: Alike = same) -> list[Case]:
    """The cases of a `check(candidate)` function. Raises `NotACase` where any statement of it is more than that."""
    tree = syntax.module(test_code) if isinstance(test_code, str) else test_code
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    others = [node for node in tree.body if node not in checks]
    harmless = (ast.Assign, ast.Import, ast.ImportFrom, ast.Expr)
    if len(checks) != 1 or len(checks[0].args.args) != 1 or not all(isinstance(node, harmless) for node in others):
        raise NotACase
    name = checks[0].args.args[0].arg

    def target(function: ast.expr) -> str:
        if isinstance(function, ast.Name) and function.id == name:
            return entry_point
        raise NotACase

    return _cases(checks[0].body, target, alike)


def assert_cases(asserts: ast.Module, tested: Container[str], alike: Alike = same) -> list[Case]:
    """The cases of assert statements. `tested`: the names that are the candidate's. Raises `NotACase`."""

    def target(function: ast.expr) -> str:
        inner = function
        while isinstance(inner, (ast.Attribute, ast.Call)):
            if isinstance(inner, ast.Call) and (inner.args or inner.keywords):
                raise NotACase
            inner = inner.value if isinstance(inner, ast.Attribute) else inner.func
        if isinstance(inner, ast.Name) and inner.id in tested:
            return ast.unparse(function)
        raise NotACase

    return _cases(asserts.body, target, alike)


def _cases(body: list[ast.stmt], target: Target, alike: Alike) -> list[Case]:
    found = []
    for node in body:
        if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        if not isinstance(node, ast.Assert):
            raise NotACase
        if not (isinstance(node.test, ast.Constant) and node.test.value is True):
            found.append(_case(node.test, target, alike))
    if not found:
        raise NotACase
    return found


def _case(test: ast.expr, target: Target, alike: Alike) -> Case:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        if isinstance(test.ops[0], (ast.Eq, ast.Is)):
            if isinstance(test.ops[0], ast.Is) and not _is_singleton(right):
                raise NotACase
            called, other = (left, right) if isinstance(left, ast.Call) and not _is_literal(left) else (right, left)
            expected = literal(other)
            return Case(_call(called, target), lambda got: alike(expected, got), (expected,))
        if type(test.ops[0]) in _ORDERINGS and _is_distance(left):
            return _distance(left, _ORDERINGS[type(test.ops[0])], literal(right), target)
        raise NotACase
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return Case(_truth_of(test.operand, target), lambda got: got is False)
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id in _NODE_TESTS:
        maker = _NODE_TESTS[test.func.id]
        if len(test.args) != 2 or not isinstance(test.args[1], ast.Call) or ast.unparse(test.args[1].func) != maker:
            raise NotACase
        wanted = wire.encode(literal(test.args[1]))
        return Case(_call(test.args[0], target), lambda got: wire.encode(got) == wanted)
    return Case(_truth_of(test, target), lambda got: got is True)


def _truth_of(node: ast.expr, target: Target) -> dict[str, Any]:
    """The request for whether a result is true; the result itself may be an object that cannot be sent."""
    return _call(node, target) | {"truth": True}


def _call(node: ast.expr, target: Target) -> dict[str, Any]:
    if not isinstance(node, ast.Call):
        raise NotACase
    name = target(node.func)
    kwargs = {keyword.arg: literal(keyword.value) for keyword in node.keywords if keyword.arg is not None}
    if len(kwargs) < len(node.keywords):
        raise NotACase
    return request(name, [literal(argument) for argument in node.args], kwargs)


def _is_distance(node: ast.expr) -> bool:
    inner = node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 else None
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs"
    return named and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub)


def _distance(node: ast.expr, compare: Callable[[Any, Any], Any], bound: Any, target: Target) -> Case:
    assert isinstance(node, ast.Call) and isinstance(node.args[0], ast.BinOp)
    expected = literal(node.args[0].right)

    def holds(got: Any) -> bool:
        return isinstance(got, (int, float)) and not isinstance(got, bool) and bool(compare(abs(got - expected), bound))

    return Case(_call(node.args[0].left, target), holds)


def _is_singleton(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _is_literal(node: ast.expr) -> bool:
    try:
        literal(node)
    except NotACase:
        return False
    return True


def literal(node: ast.expr) -> Any:
    """The value of a literal: constants, containers, arithmetic of them, conversions. Raises `NotACase`."""
    try:
        return _literal(node)
    except (TypeError, ValueError, ArithmeticError, MemoryError, RecursionError) as error:
        raise NotACase from error


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and node.value is not Ellipsis:
        return node.value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        made = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return made(_literal(item) for item in node.elts)
    if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
        return {_literal(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _literal(node.operand)
        return -value if isinstance(node.op, ast.USub) else +value
    if isinstance(node, ast.BinOp):
        return _arithmetic(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        makers = _CONVERSIONS | _NODE_MAKERS
        if node.func.id in makers:
            return makers[node.func.id](*[_literal(argument) for argument in node.args])
    if isinstance(node, ast.Name) and node.id == "inf":
        return float("inf")
    raise NotACase


def _arithmetic(node: ast.BinOp) -> Any:
    left, right = _literal(node.left), _literal(node.right)
    if isinstance(node.op, ast.Mult):
        sizes = [len(side) if hasattr(side, "__len__") else abs(side) for side in (left, right)]
        plain = all(isinstance(side, (int, float)) for side in (left, right))
        if plain or sizes[0] * sizes[1] <= _MAX_REPEAT:
            return left * right
    if isinstance(node.op, ast.Pow) and abs(left) <= 1000 and abs(right) <= 1000:
        return left**right
    if type(node.op) in _ARITHMETIC and not isinstance(left, str):
        return _ARITHMETIC[type(node.op)](left, right)
    if isinstance(node.op, ast.Add):
        return left + right
    raise NotACase
