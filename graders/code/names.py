"""Which names asserts leave to the program that is tested. The asserts alone say it, never the program."""

import ast
import builtins
from collections.abc import Set
from functools import cache

from hipo_data.graders.code.extract import defined_names
from hipo_data.graders.inside import prelude

_AROUND = frozenset(
    {"set", "list", "tuple", "dict", "float", "frozenset", "str", "int", "abs", "round", "range", "complex", "bool",
     "len", "sorted", "type", "isinstance", "all", "any", "repr", "list_node", "tree_node", "is_same_list",
     "is_same_tree"}
)  # fmt: skip
"""What tests put around a call, or make its arguments with."""
_PACKAGES = frozenset({"np", "numpy", "pd", "pandas", "pytest", "scipy", "sp", "sympy", "torch", "unittest"})


def names_under_test(tree: ast.Module, given: Set[str]) -> list[str]:
    """The names in assert statements that the candidate is to define; `given`: those that the tests' set-up defines.

    They are the names that nobody else has. Where there are none, what is asked for is named like a function that
    Python has: then it is the innermost one that is called, rather than what is put around it, such as `round`.
    """
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | given | defined_names(tree)
    free = dict.fromkeys(node.id for node in names if node.id not in bound and node.id not in _PACKAGES)
    unknown = [name for name in free if name not in _usual_names() and not hasattr(builtins, name)]
    if unknown:
        return unknown
    called = [call for node in ast.walk(tree) if isinstance(node, ast.Assert) for call in _calls(_side(node.test))]
    for usual in (_AROUND, frozenset[str]()):
        counted = [call for call in called if _name(call) in free and _name(call) not in usual]
        innermost = [_name(call) for call in counted if not any(inner in counted for inner in _calls(call)[1:])]
        if innermost:
            return list(dict.fromkeys(innermost))
    return []


def _side(test: ast.expr) -> ast.expr:
    """The side of a comparison on which something is called; the left one, where both are."""
    if isinstance(test, ast.Compare) and not _calls(test.left):
        return test.comparators[0]
    return test.left if isinstance(test, ast.Compare) else test


def _calls(node: ast.expr) -> list[ast.Call]:
    return [part for part in ast.walk(node) if isinstance(part, ast.Call)]


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


@cache
def _usual_names() -> frozenset[str]:
    """The names that programs may use without importing them."""
    return frozenset(prelude.names())
