"""Is this answer right? Math by rules and math-verify, programs by running them in a sandbox."""

from graders.code.grade import CODE_GRADER
from graders.files import grade_file
from graders.golds import GoldError, parse_gold
from graders.grader import Grader
from graders.math.grade import MATH_GRADER
from graders.sandbox.box import SandboxUnavailable
from graders.sandbox.probe import Protection, probe_sandbox

__all__ = [
    "CODE_GRADER",
    "MATH_GRADER",
    "GoldError",
    "Grader",
    "Protection",
    "SandboxUnavailable",
    "grade_file",
    "parse_gold",
    "probe_sandbox",
]
