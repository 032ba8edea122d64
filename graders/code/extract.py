"""Finds the program in a response."""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import islice

from hipo_data.graders import syntax
from hipo_data.graders.reasoning import after_reasoning

_LANGUAGE = r"(?:\{\.?(?P<braced>[\w+#.-]+)[^}`]*\}|(?P<named>[\w+#.-]*))"
_OPENING = re.compile(rf"(?P<before>[^`~]*?)(?P<fence>`{{3,}}|~{{3,}})[ \t]*{_LANGUAGE}(?P<after>.*)")
_QUOTE = re.compile(r"[ \t]{0,3}(?:>[ \t]?)+")
_MARKER = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)])?[ \t]*")
"""White space, or what begins an item of a list."""
_INDENT = 3
"""A closing fence may be indented by so much more than the opening one; further in, it may be part of the program."""
_TAGS = (("<answer>", "</answer>"), ("<code>", "</code>"), ("<solution>", "</solution>"), ("[PYTHON]", "[/PYTHON]"))
_PYTHON = re.compile(r"(?:(?:python|py|pypy|ipython|cpython)-?[\d.]*)?")
_PROSE = re.compile(r"\n[ \t]*\n(?=[*_]*[A-Z][\w'’-]*[,:*]*[ ](?:[\w'’(`*][^\s=]*[ \n]+){2}|[*-]+[ ])")
"""The end of a paragraph before one of words: a capital, and no assignment among the first of them."""
_READS_INPUT = re.compile(r"\binput\b|\bstdin\b|\bopen\(0|\bos\.read\b|\bfileinput\b")
MAX_PROGRAM = 1 << 20
MAX_BLOCKS = 50
_TRIES = 50
"""How often the end of a block is looked for where it does not stand as it should."""


def program(response: str, needed: Sequence[str] = (), question: str = "") -> str | None:
    """The last fenced Python block that defines one of the names `needed`, or, with none needed, that reads input.

    Failing that, the last Python block; without fences what stands in tags such as `<answer>`, or the whole text,
    alone or as the continuation of `question`, where that is Python. None where there is no program.
    """
    text = after_reasoning(response).replace("\ufeff", "")
    blocks = [
        body
        for language, body in _fenced(text)
        if _PYTHON.fullmatch(language) and body.strip() and len(body) <= MAX_PROGRAM
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
    if text.count("```") == 1 and _looks_like_code(head := text.partition("```")[0]):
        return head  # the fence closes a block that nothing opened
    if blocks:
        return next((block for block in reversed(blocks) if parses(block)), blocks[-1])
    whole_texts = [part for part in (_tagged(text), text) if part and len(part) <= MAX_PROGRAM]
    return next(filter(_looks_like_code, whole_texts), None)


def _fenced(text: str) -> Iterator[tuple[str, str]]:
    """Language (lower case) and text of each fenced block; one that is not closed ends with the text.

    A fence may stand after words, in an item of a list and in a quotation; what closes it may be further in than it
    should, or have something after it, where the program is whole there.
    """
    fence = indent = language = quote = ""
    body: list[str] | None = None
    tries = 0
    for line in text.removesuffix("\n").split("\n"):
        line = line.removesuffix("\r")
        if body is not None and quote:
            quoted = _QUOTE.match(line)
            if quoted is None:
                yield language, _block(body, indent)
                body = None
            else:
                line = line[quoted.end() :]
        if body is None:
            quoted = _QUOTE.match(line)
            quote = quoted[0] if quoted else ""
            opening = _opening(line[len(quote) :])
            if opening:
                (indent, fence, language), body = opening, []
        elif _closes(line, fence, len(indent)):
            yield language, _block(body, indent)
            body = None
        elif fence in line and tries < _TRIES and (whole := _ended(line, fence, body, indent)) is not None:
            yield language, whole
            opening = _opening(line)
            body = None
            if opening and opening[2] and _PYTHON.fullmatch(opening[2]):
                (indent, fence, language), body = opening, []
        else:
            tries += fence in line
            body.append(line)
    if body is not None:
        yield language, _without_prose(_block(body, indent))


def _opening(line: str) -> tuple[str, str, str] | None:
    """Indentation, fence and language of a line that opens a block."""
    match = _OPENING.match(line)
    if match is None or "`" in match["after"]:
        return None
    language = (match["braced"] or match["named"] or "").lower()
    if _MARKER.fullmatch(match["before"]):
        return " " * len(match["before"]) if match["before"].strip() else match["before"], match["fence"], language
    # After words, a fence is one only where nothing but a language follows.
    return None if match["after"].strip() else ("", match["fence"], language)


def _closes(line: str, fence: str, indent: int) -> bool:
    bare = line.strip(" \t")
    long_enough = len(bare) >= len(fence) and not bare.strip(fence[0])
    return long_enough and len(line) - len(line.lstrip(" \t")) <= indent + _INDENT


def _ended(line: str, fence: str, body: list[str], indent: str) -> str | None:
    """The program of a block that ends with `line`, which holds the fence further in, after code or before words.

    Null where the program is not whole there: then the fence stands in one of its texts.
    """
    bare = line.strip(" \t")
    if bare.startswith(fence) and "`" not in bare.lstrip(fence[0]):
        text = _without_prose(_block(body, indent))
    elif bare.endswith(fence) and "#" not in bare and "`" not in bare.rstrip(fence[0]):
        text = _block([*body, line.rstrip(" \t").rstrip(fence[0])], indent)
    else:
        return None
    return text if parses(text) else None


def _without_prose(text: str) -> str:
    """The program of a block that nobody closed: without the words after it, which begin a paragraph of their own."""
    if parses(text):
        return text
    heads = (text[: match.start() + 1] for match in islice(_PROSE.finditer(text), _TRIES))
    return next(filter(parses, heads), text)


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
    return tree(text) is not None


def defined_names(program: str | ast.Module) -> set[str]:
    """The functions, classes and variables that a program defines at its top level."""
    module = tree(program) if isinstance(program, str) else program
    found: set[str] = set()
    for node in module.body if module else []:
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
    module = tree(text)
    statements = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.For, ast.While)
    return module is not None and any(
        isinstance(node, statements) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in module.body
    )


def tree(text: str) -> ast.Module | None:
    """The syntax of a program; null where it has none."""
    try:
        return syntax.module(text)
    except SyntaxError:
        return None
