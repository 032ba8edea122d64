"""Loading and filling in of prompt templates."""

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateSyntaxError, UndefinedError

_FOLDER = Path(__file__).parent / "templates"


def template_path(name: str) -> Path:
    """The file of a template: a name in prompts/templates (without `.j2`) or the path of a file.

    Raises `FileNotFoundError` with the names there are.
    """
    own = _FOLDER / f"{name}.j2"
    for path in (own, Path(name)):
        if path.is_file():
            return path
    names = sorted(path.stem for path in _FOLDER.glob("*.j2"))
    raise FileNotFoundError(f"no prompt template '{name}': it is neither a file nor one of {', '.join(names)}")


def template_text(name: str) -> str:
    """The source of a template. Raises `FileNotFoundError` as `template_path` does."""
    return template_path(name).read_text(encoding="utf-8")


def template_hash(name: str) -> str:
    """SHA-256 of a template's source, part of the fingerprint of what was made with it."""
    return hashlib.sha256(template_text(name).encode()).hexdigest()


class PromptTemplate:
    """A template as it was when it was loaded; a later change of its file is not seen."""

    def __init__(self, name: str) -> None:
        """Raises `FileNotFoundError` where there is none, `jinja2.TemplateSyntaxError` where it does not compile."""
        environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
        self._name = name
        try:
            self._compiled = environment.from_string(template_text(name))
        except TemplateSyntaxError as error:
            raise TemplateSyntaxError(f"prompt template '{name}': {error.message}", error.lineno) from error
        # Each rendering copies them: out of the chain of mappings that Jinja keeps, it takes as long as all the rest.
        self._compiled.globals = dict(self._compiled.globals)

    def render(self, **variables: Any) -> str:
        """The template filled in, without white space at its ends.

        Raises `jinja2.UndefinedError`, with the variables there are, where it uses another one.
        """
        try:
            return self._compiled.render(**variables).strip()
        except UndefinedError as error:
            raise UndefinedError(
                f"prompt template '{self._name}': {error.message}; its variables are {', '.join(sorted(variables))}"
            ) from error
