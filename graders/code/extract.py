"""Finds the program in a response."""

import ast
import re
import warnings
from collections.abc import Sequence

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.S | re.M)
_PYTHON = ("python", "py", "python3", "python2", "pypy", "pypy3", "")
_READS_INPUT = re.compile(r"\binput\b|\bstdin\b|\bopen\(0|\bos\.read\b|\bfileinput\b")
MAX_PROGRAM = 1 << 20


def after_reasoning(response: str) -> str:
    """The text after the last `</think>`."""
    return response.rpartition("</think>")[2]


def program(response: str, needed: Sequence[str] = (), question: str = "") -> str | None:
    """The last fenced Python block that defines one of the names `needed`, or, with none needed, that reads input.

    Failing that, the last Python block; without fences the whole text, alone or as the continuation of `question`,
    where that is Python. None where there is no program.
    """
    text = after_reasoning(response)
    blocks: list[str] = [
        body for _, language, body in _FENCE.findall(text) if language.lower() in _PYTHON and body.strip()
    ]
    blocks = [block for block in blocks if len(block) <= MAX_PROGRAM]
    fits = (
        [block for block in blocks if _defines(block, needed)] if needed else list(filter(_READS_INPUT.search, blocks))
    )
    for block in reversed(fits):
        if parses(block):
            return block
    if needed and question:
        for part in [*reversed(blocks), text]:
            if len(part) <= MAX_PROGRAM and parses(whole := f"{question}\n{part}") and _defines(whole, needed):
                return whole
    if blocks:
        return next((block for block in reversed(blocks) if parses(block)), blocks[-1])
    if len(text) <= MAX_PROGRAM and parses(text) and _looks_like_code(text):
        return text
    return None


def parses(text: str) -> bool:
    """Whether `text` is Python."""
    return _tree(text) is not None


def defined_names(text: str) -> set[str]:
    """The functions, classes and variables that a program defines at its top level."""
    tree = _tree(text)
    found: set[str] = set()
    for node in tree.body if tree else []:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(alias.asname or alias.name for alias in node.names)
    return found


def _defines(text: str, needed: Sequence[str]) -> bool:
    return not defined_names(text).isdisjoint(needed)


def _looks_like_code(text: str) -> bool:
    tree = _tree(text)
    statements = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.For, ast.While)
    return tree is not None and any(
        isinstance(node, statements) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in tree.body
    )


def _tree(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
