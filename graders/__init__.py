"""Is this answer right? Math by rules and math-verify, programs by running them in a sandbox."""

from hipo_data.graders.code.grade import CODE_GRADER
from hipo_data.graders.files import grade_file
from hipo_data.graders.golds import GoldError, parse_gold
from hipo_data.graders.grader import Grader
from hipo_data.graders.math.grade import MATH_GRADER
from hipo_data.graders.sandbox.box import SandboxUnavailable
from hipo_data.graders.sandbox.probe import Protection, probe_sandbox

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
