"""Is this answer right? Math by rules and math-verify, options by letter and content, programs in a sandbox."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipo_data.graders.choice.grade import CHOICE_GRADER
    from hipo_data.graders.code.grade import CODE_GRADER
    from hipo_data.graders.files import grade_file
    from hipo_data.graders.golds import GoldError, parse_gold
    from hipo_data.graders.grader import Grader
    from hipo_data.graders.math.grade import MATH_GRADER, QUANTITY_GRADER
    from hipo_data.graders.sandbox.probe import Protection, probe_sandbox

__all__ = [
    "CHOICE_GRADER",
    "CODE_GRADER",
    "MATH_GRADER",
    "QUANTITY_GRADER",
    "GoldError",
    "Grader",
    "Protection",
    "grade_file",
    "parse_gold",
    "probe_sandbox",
]

_HOMES = {
    "CODE_GRADER": "code.grade",
    "CHOICE_GRADER": "choice.grade",
    "MATH_GRADER": "math.grade",
    "QUANTITY_GRADER": "math.grade",
    "GoldError": "golds",
    "Grader": "grader",
    "Protection": "sandbox.probe",
    "grade_file": "files",
    "parse_gold": "golds",
    "probe_sandbox": "sandbox.probe",
}


def __getattr__(name: str) -> Any:
    # Only once asked for: the command line imports this room to know its commands, and help has to be quick.
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
