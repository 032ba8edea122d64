"""Python's own parser, for texts of strangers and from several threads.

CPython counts the depth of a syntax tree once for all threads (before 3.11.8, 3.12.2 and 3.13:
https://github.com/python/cpython/issues/106905): where another thread parses before a tree is complete, as a collection
of garbage may let it, a program that is fine raises `SystemError` or is too deep.
"""

import ast
import warnings
from threading import Lock
from typing import Any

_ALONE = Lock()


def module(text: str) -> ast.Module:
    """The syntax of a program. Raises `SyntaxError` for any text that is none, or that no parser has room for."""
    found: ast.Module = _parsed(text, "exec")
    return found


def expression(text: str) -> ast.expr:
    """The syntax of one expression. Raises `SyntaxError` as `module` does."""
    found: ast.expr = _parsed(text.strip(), "eval").body
    return found


def literal(text: str) -> Any:
    """The value that `text` writes down as Python does.

    Raises `SyntaxError` as `module` does, and `ValueError` for any other expression.
    """
    try:
        return ast.literal_eval(expression(text))
    except (TypeError, RecursionError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _parsed(text: str, mode: str) -> Any:
    try:
        with _ALONE, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode=mode)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error
