"""The names that contest and LeetCode programs use without importing them, and LeetCode's node classes."""

import builtins
import importlib
import sys
import types
from typing import Any

from hipo_data.graders.inside.wire import Nodes

STARRED = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools",
    "functools", "operator", "io", "typing",
)  # fmt: skip
MODULES = (
    "sys", "os", "time", "json", "math", "re", "string", "random", "itertools", "functools", "operator", "collections",
    "heapq", "bisect", "copy", "statistics", "datetime", "io", "decimal", "fractions", "cmath", "array", "queue",
    "threading", "typing", "hashlib", "textwrap", "enum", "dataclasses", "abc", "numbers", "struct", "contextlib",
    "traceback", "types", "calendar", "zlib", "base64", "secrets", "unittest",
)  # fmt: skip
OPTIONAL = ("numpy", "sortedcontainers")
"""Imported ahead where installed; a program still imports them by name."""


class ListNode:
    """LeetCode's linked list."""

    def __init__(self, val: Any = 0, next: "ListNode | None" = None) -> None:
        self.val = val
        self.next = next


class TreeNode:
    """LeetCode's binary tree."""

    def __init__(self, val: Any = 0, left: "TreeNode | None" = None, right: "TreeNode | None" = None) -> None:
        self.val = val
        self.left = left
        self.right = right


def list_node(values: list[Any]) -> ListNode | None:
    """The linked list of `values`, None where there are none."""
    head: ListNode | None = None
    for value in reversed(values):
        head = ListNode(value, head)
    return head


def tree_node(values: list[Any]) -> TreeNode | None:
    """The binary tree whose level order, with None where a child is missing, is `values`."""
    if not values or values[0] is None:
        return None
    root = TreeNode(values[0])
    waiting, position = [root], 1
    for parent in waiting:
        for side in ("left", "right"):
            if position < len(values) and values[position] is not None:
                child = TreeNode(values[position])
                setattr(parent, side, child)
                waiting.append(child)
            position += 1
    return root


def is_same_list(first: Any, second: Any) -> bool:
    """Whether two linked lists hold the same values in the same order."""
    while first is not None and second is not None and first.val == second.val:
        first, second = first.next, second.next
    return first is None and second is None


def is_same_tree(first: Any, second: Any) -> bool:
    """Whether two binary trees have the same shape and values."""
    waiting = [(first, second)]
    while waiting:
        a, b = waiting.pop()
        if a is None and b is None:
            continue
        if a is None or b is None or a.val != b.val:
            return False
        waiting += [(a.left, b.left), (a.right, b.right)]
    return True


def node(nodes: Nodes) -> Any:
    """The linked list or tree that `nodes` describes."""
    return list_node(nodes.values) if nodes.kind == "ln" else tree_node(nodes.values)


def names() -> dict[str, Any]:
    """The usual names: what the starred modules export, the modules themselves, and LeetCode's helpers."""
    found: dict[str, Any] = {}
    for name in STARRED:
        module = importlib.import_module(name)
        public = getattr(module, "__all__", None) or [item for item in vars(module) if not item.startswith("_")]
        found.update({item: getattr(module, item) for item in public if not hasattr(builtins, item)})
    for name in MODULES:
        found[name] = importlib.import_module(name)
    for item in (ListNode, TreeNode, list_node, tree_node, is_same_list, is_same_tree):
        found[item.__name__] = item
    found.update(inf=float("inf"))
    return found


def preload() -> dict[str, Any]:
    """Imports everything once and gives the names. Optional packages that fail to import are left out.

    Also makes `exit` and `quit`, which the interpreter has only with its `site` module.
    """
    vars(builtins).update(exit=sys.exit, quit=sys.exit)
    found = names()
    for name in OPTIONAL:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    return found


def module(name: str, known: dict[str, Any]) -> types.ModuleType:
    """A fresh module called `name` that knows the names in `known`, registered under that name."""
    made = types.ModuleType(name)
    vars(made).update(known)
    vars(made)["__builtins__"] = builtins
    made.__name__ = name
    sys.modules[name] = made
    return made
