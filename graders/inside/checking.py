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
_TAKES = 3
"""Arguments of `check(input, output, expected)`."""


def check(data: socket.socket, job: Mapping[str, Any], text: bytes, known: dict[str, Any]) -> NoReturn:
    """Judges each of `job["tests"]` (input, expected, output) by the checker `job["code"]`.

    Sends `right`: true, false, or null where the checker did not say it, for each in order, and then ends.
    """
    judge = _function(job["code"], known) if defines_check(ast.parse(job["code"])) else None
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


def defines_check(tree: ast.Module) -> bool:
    """Whether a checker is a function `check(input, output, expected)`; otherwise it is a script."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "check":
            takes = len(node.args.posonlyargs) + len(node.args.args)
            return takes - len(node.args.defaults) <= _TAKES and (takes >= _TAKES or node.args.vararg is not None)
    return False


def _function(code: str, known: dict[str, Any]) -> Callable[[Any, Any, Any], Any]:
    """The function `check` of a checker. What fails while it is loaded fails for every test."""
    module = prelude.module("checker", known)
    try:
        exec(compile(code, "<checker>", "exec", dont_inherit=True), vars(module))
        found: Callable[[Any, Any, Any], Any] = vars(module)["check"]
    except BaseException as error:
        failed = error

        def found(*_: Any) -> Any:
            raise failed

    return found


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
