"""Finds the program in a response."""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence

_OPENING = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([\w+#.-]*)(.*)")
_INDENT = 3
"""A closing fence may be indented by so much more than the opening one; further in, it is part of the program."""
_TAGS = (("<answer>", "</answer>"), ("<code>", "</code>"), ("<solution>", "</solution>"), ("[PYTHON]", "[/PYTHON]"))
_PYTHON = ("python", "py", "python3", "python2", "pypy", "pypy3", "")
_READS_INPUT = re.compile(r"\binput\b|\bstdin\b|\bopen\(0|\bos\.read\b|\bfileinput\b")
MAX_PROGRAM = 1 << 20
MAX_BLOCKS = 50


def after_reasoning(response: str) -> str:
    """The text after the last `</think>`."""
    return response.rpartition("</think>")[2]


def program(response: str, needed: Sequence[str] = (), question: str = "") -> str | None:
    """The last fenced Python block that defines one of the names `needed`, or, with none needed, that reads input.

    Failing that, the last Python block; without fences what stands in tags such as `<answer>`, or the whole text,
    alone or as the continuation of `question`, where that is Python. None where there is no program.
    """
    text = after_reasoning(response).replace("\ufeff", "")
    blocks = [
        body for language, body in _fenced(text) if language in _PYTHON and body.strip() and len(body) <= MAX_PROGRAM
    ][-MAX_BLOCKS:]
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
    whole_texts = [part for part in (_tagged(text), text) if part and len(part) <= MAX_PROGRAM]
    return next(filter(_looks_like_code, whole_texts), None)


def _fenced(text: str) -> Iterator[tuple[str, str]]:
    """Language (lower case) and text of each fenced block; one that is not closed ends with the text."""
    fence = indent = language = ""
    body: list[str] | None = None
    for line in text.removesuffix("\n").split("\n"):
        line = line.removesuffix("\r")
        if body is None:
            match = _OPENING.match(line)
            if match and "`" not in match[4]:
                indent, fence, language, body = match[1], match[2], match[3].lower(), []
        elif _closes(line, fence, len(indent)):
            yield language, _block(body, indent)
            body = None
        else:
            body.append(line)
    if body is not None:
        yield language, _block(body, indent)


def _closes(line: str, fence: str, indent: int) -> bool:
    bare = line.strip(" \t")
    long_enough = len(bare) >= len(fence) and not bare.strip(fence[0])
    return long_enough and len(line) - len(line.lstrip(" \t")) <= indent + _INDENT


def _block(lines: list[str], indent: str) -> str:
    text = "".join(f"{line}\n" for line in lines)
    return textwrap.dedent(text) if indent else text


def _tagged(text: str) -> str | None:
    for opening, closing in _TAGS:
        _, found, rest = text.rpartition(opening)
        if found:
            return rest.partition(closing)[0].strip()
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
