"""Tests that are written down as lines of Python: `assert f(2) == 5`."""

import ast

from hipo_data.graders import syntax


def assert_lines(text: str) -> list[str] | None:
    """The asserts that a text consists of, as written; null where it holds anything else, or nothing."""
    if "assert" not in text:
        return None
    try:
        body = syntax.module(text).body
    except SyntaxError:
        return None
    if not body or not all(isinstance(node, ast.Assert) for node in body):
        return None
    return [ast.get_source_segment(text, node) or ast.unparse(node) for node in body]
