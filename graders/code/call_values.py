"""Arguments and results of calls as sources write them, made into JSON texts.

Some sources keep values (`[[5, 2]]`, `[["101"]]`), others texts with a value a line; the texts are JSON, Python
literals, or, where neither can be, the value itself: `cba` for "cba". All tests of a gold are read in one way, since
`101` beside `cba` is a text as well.
"""

import ast
import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from hipo_data.graders import syntax

_OPENS = ("[", "{", "(", '"', "'")


def arguments(inputs: Sequence[Any]) -> list[str]:
    """The arguments of each test, one JSON value a line. Raises `ValueError` where they cannot be told."""
    if all(isinstance(item, str) for item in inputs):
        return _texts_of_arguments(inputs)
    return ["\n".join(map(_dumped, _listed(item, place))) for place, item in enumerate(inputs)]


def results(outputs: Sequence[Any], inputs: Sequence[Any]) -> list[str]:
    """The result of each test as JSON, where `inputs` are its arguments. Raises `ValueError`."""
    texts = all(isinstance(item, str) for item in outputs)
    if all(isinstance(item, str) for item in inputs):
        return _column(outputs) if texts else [_text_or_dumped(item) for item in outputs]
    if texts and _is_json_of_more_than_numbers(outputs):
        return list(outputs)
    if all(isinstance(item, list) and len(item) == 1 for item in outputs):
        # Sources that keep arguments and results as values wrap each result in a list of its own.
        outputs = [item[0] for item in outputs]
    return [_dumped(item) for item in outputs]


def _listed(item: Any, place: int) -> list[Any]:
    if isinstance(item, list):
        return item
    if isinstance(item, (bool, int, float)):
        return [item]
    raise ValueError(f"input {place + 1} is a {type(item).__name__} beside lists of arguments")


def _texts_of_arguments(inputs: Sequence[str]) -> list[str]:
    """Texts that are JSON a line stay what they are; others are read by place, the first line of all tests alike."""
    lines = [[line for line in text.split("\n") if line.strip()] for text in inputs]
    if all(map(_is_json, (line for test in lines for line in test))):
        return list(inputs)
    for values_of in (_stream, _assigned):
        found = [values_of(text) for text in inputs]
        if None not in found:
            return ["\n".join(map(_dumped, values or [])) for values in found]
    columns = [_column([line for line in column if line is not None]) for column in zip_longest(*lines)]
    read = [iter(column) for column in columns]
    empty = '""' if len(columns) == 1 else ""
    return ["\n".join(next(read[place]) for place in range(len(test))) or empty for test in lines]


def _column(texts: Sequence[str]) -> list[str]:
    """Texts of one kind as JSON: they all are JSON or Python, or they all are texts."""
    if all(map(_is_json, texts)):
        return list(texts)
    for read in (_literal, _plain):
        try:
            return [read(text) for text in texts]
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    bad = next(text for text in texts if not _is_json(text) and text.startswith(_OPENS))
    raise ValueError(f"neither JSON nor Python: {bad[:80]!r}")


def _literal(text: str) -> str:
    if _is_json(text):
        return text
    try:
        return _dumped(syntax.literal(text))
    except TypeError as error:  # of a set, which JSON has not
        raise ValueError(str(error)) from error


def _plain(text: str) -> str:
    if text.startswith(_OPENS):
        raise ValueError("a text that begins like a value")
    return json.dumps(text.rstrip("\r\n"))


def _text_or_dumped(value: Any) -> str:
    return value if isinstance(value, str) and _is_json(value) else _dumped(value)


def _dumped(value: Any) -> str:
    return json.dumps(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _stream(text: str) -> list[Any] | None:
    """The JSON values that follow one another in a text, over however many lines."""
    values: list[Any] = []
    text = text.lstrip()
    while text:
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            return None
        values.append(value)
        text = text[end:].lstrip()
    return values


def _assigned(text: str) -> list[Any] | None:
    """The values in a text such as `nums = [2, 7], target = 9`, in their order."""
    try:
        call = syntax.expression(f"f({text.strip()})")
        if not isinstance(call, ast.Call) or call.args or not call.keywords:
            return None
        return [ast.literal_eval(_JsonNames().visit(keyword.value)) for keyword in call.keywords]
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


class _JsonNames(ast.NodeTransformer):
    """Lets JSON's names for constants stand in Python."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        named = {"true": True, "false": False, "null": None}
        return ast.Constant(named[node.id]) if node.id in named else node


def _is_json_of_more_than_numbers(texts: Sequence[str]) -> bool:
    """Whether texts are JSON for certain: a text that a function gives back may look like a number."""
    return all(map(_is_json, texts)) and not all(map(_is_number, texts))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
