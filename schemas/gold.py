"""What the right answer to a problem is: a tagged union over the shapes that the source datasets use.

In Parquet a gold is one JSON string, because a struct column would unite the fields of all shapes and hand every
reader rows that are mostly null.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from hipo_data.schemas.lettered_options import FEWEST, LETTERS, MOST

_Paired = TypeVar("_Paired", "StdinGold", "CallGold")


class _Gold(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MathGold(_Gold):
    """Acceptable final answers (LaTeX or plain text, not boxed); a response that matches any one of them is right.

    With any of `unit`, `tolerance` and `error` they are measured quantities. `unit`: what the answers are in, in LaTeX
    or plain text; null where they name their own units, or have none. `tolerance`: relative, of the gold. `error`:
    absolute, in the gold's unit. The wider one of those that are said counts, 1 % where none is.
    """

    type: Literal["math"] = "math"
    answers: list[str] = Field(min_length=1)
    unit: str | None = Field(default=None, min_length=1)
    tolerance: float | None = Field(default=None, gt=0, lt=1)
    error: float | None = Field(default=None, gt=0)

    @property
    def is_quantity(self) -> bool:
        """Whether answers are compared as measured quantities."""
        return self.unit is not None or self.tolerance is not None or self.error is not None


class ChoiceGold(_Gold):
    """Options in the order in which the question shows them, as A, B, C and so on, and the letter of the right one."""

    type: Literal["choice"] = "choice"
    options: list[str] = Field(min_length=FEWEST, max_length=MOST)
    answer: str = Field(min_length=1, max_length=1)

    @model_validator(mode="after")
    def _letter_of_an_option(self) -> "ChoiceGold":
        if self.answer not in LETTERS[: len(self.options)]:
            raise ValueError(f"'{self.answer}' is the letter of none of {len(self.options)} options")
        return self

    @property
    def right(self) -> str:
        """What the right option says."""
        return self.options[LETTERS.index(self.answer)]


class ProgramGold(_Gold):
    """What any gold for a program may say besides its tests.

    `unordered`: the items of a result, or the lines of an output, may come in any order. `reference`: a program that
    is right; time limits are measured against it. `checker`: a program that judges what a test brought, where several
    outputs are right; it defines `check(input, output, expected)`, which says True or False, or is a script that is
    given the names of three files (input, expected output, output) and prints 1 or 0. `time_limit_s`: CPU seconds that
    a test may take, whatever the configuration says.
    """

    unordered: bool = False
    checker: str | None = Field(default=None, min_length=1)
    reference: str | None = None
    time_limit_s: float | None = Field(default=None, gt=0, le=3600)


class StdinGold(ProgramGold):
    """A program reads `inputs[i]` on standard input and must print `outputs[i]`."""

    type: Literal["stdin"] = "stdin"
    inputs: list[str] = Field(min_length=1)
    outputs: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _same_length(self) -> "StdinGold":
        return _paired(self)


class CallGold(ProgramGold):
    """`fn_name` (a function, or a method of `Solution`) called with `inputs[i]` must return `outputs[i]`.

    `inputs[i]` holds one JSON value a line, a line an argument; `outputs[i]` is one JSON value.
    """

    type: Literal["call"] = "call"
    fn_name: str = Field(min_length=1)
    inputs: list[str] = Field(min_length=1)
    outputs: list[str] = Field(min_length=1)
    import_prefix: str = ""

    @model_validator(mode="after")
    def _same_length(self) -> "CallGold":
        return _paired(self)


class CheckGold(ProgramGold):
    """`test_code` defines `check(candidate)`; `entry_point` is the candidate, an expression such as `Solution().f`."""

    type: Literal["check"] = "check"
    import_prefix: str = ""
    test_code: str = Field(min_length=1)
    entry_point: str = Field(min_length=1)


class AssertGold(ProgramGold):
    """Statements such as `assert f(2) == 5` that must hold after the program ran."""

    type: Literal["asserts"] = "asserts"
    asserts: list[str] = Field(min_length=1)
    import_prefix: str = ""


class NoGold(_Gold):
    """The source says nothing: the answer that responses agree on stands in, by `verify.pseudo_gold`. Math alone."""

    type: Literal["none"] = "none"


def _paired(gold: _Paired) -> _Paired:
    if len(gold.inputs) != len(gold.outputs):
        raise ValueError(f"{len(gold.inputs)} inputs but {len(gold.outputs)} outputs")
    return gold


CodeGold = StdinGold | CallGold | CheckGold | AssertGold
AnyGold = MathGold | ChoiceGold | CodeGold
Gold = Annotated[AnyGold, Field(discriminator="type")]

ProblemGold = Annotated[AnyGold | NoGold, Field(discriminator="type")]
"""What a problem has; nothing can be graded by `NoGold`."""

_ADAPTER: TypeAdapter[AnyGold] = TypeAdapter(Gold)
_PROBLEM_ADAPTER: TypeAdapter[AnyGold | NoGold] = TypeAdapter(ProblemGold)


_OF_QUANTITIES = ("unit", "tolerance", "error")
_NOTHING = object()
NO_GOLD = NoGold().model_dump_json()
"""As tables hold it."""


def gold_to_json(gold: AnyGold | NoGold) -> str:
    """The gold as the JSON string that Parquet holds; what a gold need not say is in it only where said."""
    optional = {**ProgramGold.model_fields, **{name: MathGold.model_fields[name] for name in _OF_QUANTITIES}}
    unsaid = {name for name, field in optional.items() if getattr(gold, name, _NOTHING) == field.default}
    return gold.model_dump_json(exclude=unsaid)


def kind_of(gold: AnyGold) -> Literal["math", "choice", "code"]:
    """The kind of the problems that have such a gold."""
    if isinstance(gold, MathGold):
        return "math"
    return "choice" if isinstance(gold, ChoiceGold) else "code"


def gold_in_row(ground_truth: str, extra_info: Mapping[str, Any]) -> str:
    """The gold of a row of rl/ as JSON: beside its ground truth where that is a plain answer, else the ground truth."""
    return str(extra_info.get("gold") or ground_truth)


def gold_from_json(text: str) -> AnyGold:
    """The inverse of `gold_to_json`. Raises `pydantic.ValidationError` on anything else, `NoGold` too."""
    return _ADAPTER.validate_json(text)


def problem_gold_from_json(text: str) -> AnyGold | NoGold:
    """As `gold_from_json`, of a problem."""
    return _PROBLEM_ADAPTER.validate_json(text)
