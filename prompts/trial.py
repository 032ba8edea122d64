"""A prompt template, tried out before anything is spent: what would fail on the first problem is said with its line."""

import difflib
import traceback
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, UndefinedError, nodes
from jinja2.meta import find_undeclared_variables

from hipo_data.prompts.rendering import PromptTemplate, template_path
from hipo_data.schemas.errors import UserError

_COMPILED = "<template>"
"""What Jinja calls the file of a template's frames in a traceback."""


def try_template(name: str, needs: str, cases: Collection[Mapping[str, Any]]) -> None:
    """Renders the template once with each of the cases, which all have the same variables.

    Raises `FileNotFoundError` where there is none, `UserError` with file and line where it does not compile, does not
    use the variable that it `needs`, names another than those of the cases, or fails with one of them.
    """
    path = template_path(name)
    try:
        text = path.read_text(encoding="utf-8")
        tree = Environment(autoescape=False).parse(text)
        template = PromptTemplate(name)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: byte {error.start} is none of a text; save it as UTF-8") from error
    except TemplateSyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.message}") from error
    known = sorted({variable for case in cases for variable in case})
    used = find_undeclared_variables(tree)
    for variable in sorted(used - set(known) - set(_tested(tree))):
        near = difflib.get_close_matches(variable, known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"its variables are {', '.join(known)}"
        raise UserError(f"{path}, line {_line_of(tree, variable)}: there is no variable '{variable}'; {hint}")
    if needs not in used:
        raise UserError(f"{path} nowhere has {{{{ {needs} }}}}, so that all prompts would be alike; put it in")
    for case in cases:
        try:
            template.render(**case)
        except Exception as error:  # a template can raise whatever its expressions raise
            shown = ", ".join(f"{key}={case[key]}" for key in sorted(case) if key != needs)
            raise UserError(f"{path}, line {_failed_at(error)}: {_words(error)} (with {shown})") from error


def _tested(tree: nodes.Template) -> list[str]:
    """Variables that the template asks after itself, as in `x is defined`."""
    tests = tree.find_all(nodes.Test)
    return [
        test.node.name for test in tests if test.name in ("defined", "undefined") and isinstance(test.node, nodes.Name)
    ]


def _line_of(tree: nodes.Template, variable: str) -> int:
    return next(name.lineno for name in tree.find_all(nodes.Name) if name.name == variable)


def _failed_at(error: Exception) -> int:
    """The line of the template; Jinja puts it into the traceback."""
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if Path(frame.filename).name == _COMPILED), 1)


def _words(error: Exception) -> str:
    said = (error.__cause__ or error) if isinstance(error, UndefinedError) else error
    return " ".join(f"{said}".split()) or type(said).__name__
