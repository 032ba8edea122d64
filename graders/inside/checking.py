"""Runs a gold's checker, in a sandbox where no candidate is: it judges what candidates brought, as plain values."""

import ast
import io
import os
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from hipo_data.graders.inside import prelude, wire

_FILES = ("input", "expected", "output")
_PARTS = (("expect", "answer", "correct", "want"), ("output", "got", "actual", "result", "print"), ("input", "given"))
"""What parameters for the expected output, the output and the input have in their names; the first that fits counts."""


def check(data: socket.socket, job: Mapping[str, Any], text: bytes, known: dict[str, Any]) -> NoReturn:
    """Judges each of `job["tests"]` (input, expected, output) by the checker `job["code"]`.

    Sends `right`: true, false, or null where the checker did not say it, for each in order, and then ends.
    """
    defined = check_function(ast.parse(job["code"]))
    judge = _function(job["code"], known, defined) if defined else None
    for test in job["tests"]:
        right: bool | None = None
        try:
            given, expected, output = (wire.decode(value, node=prelude.node) for value in test)
            said = judge(given, output, expected) if judge else _script(job["code"], known, (given, expected, output))
            right = bool(said) if said in (True, False) else None
        except BaseException:  # whatever it is, it says nothing of the output
            right = None
        wire.send(data, {"right": right})
    os._exit(0)


def check_function(tree: ast.Module) -> ast.FunctionDef | None:
    """The function `check` of a checker, or its only one, that takes three arguments; null where it is a script."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = [node for node in functions if node.name == "check"] or (functions if len(functions) == 1 else [])
    return found[-1] if found and len(_parameters(found[-1])) == len(_PARTS) else None


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]


def _function(code: str, known: dict[str, Any], defined: ast.FunctionDef) -> Callable[[Any, Any, Any], Any]:
    """`defined` as a function of input, output and expected output. What fails at loading fails for every test."""
    module = prelude.module("checker", known)
    kinds = [next((kind for kind, part in enumerate(_PARTS) if any(word in name.lower() for word in part)), None)
             for name in _parameters(defined)]  # fmt: skip
    failed: BaseException | None = None
    try:
        exec(compile(code, "<checker>", "exec", dont_inherit=True), vars(module))
    except BaseException as error:
        failed = error

    def judge(given: Any, output: Any, expected: Any) -> Any:
        if failed is not None:
            raise failed
        named = (expected, output, given)
        ordered = (
            [named[kind] for kind in kinds if kind is not None] if len(set(kinds) - {None}) == len(named) else None
        )
        return vars(module)[defined.name](*(ordered or (given, output, expected)))

    return judge


def _script(code: str, known: dict[str, Any], contents: tuple[Any, Any, Any]) -> bool | None:
    """Whether the last word that a script prints, which is given the names of three files, is 1 rather than less."""
    for name, content in zip(_FILES, contents, strict=True):
        with open(name, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)
    printed = io.StringIO()
    sys.argv, sys.stdout, sys.stdin = ["checker", *_FILES], printed, io.StringIO()
    module = prelude.module("__main__", known)
    try:
        exec(compile(code, "<checker>", "exec", dont_inherit=True), vars(module))
    except SystemExit as stop:
        if stop.code not in (None, 0):
            raise
    score = float(printed.getvalue().split()[-1])
    return score >= 1 if 0 <= score <= 1 else None
