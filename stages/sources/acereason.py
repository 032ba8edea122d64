"""nvidia/AceReason-Math (CC-BY-4.0).

`problem` and `answer` are both text; the answer is LaTeX, a fraction or an integer.
"""

from typing import Any

from schemas.config import AceReasonSource
from schemas.records import Kind
from stages.sources.draft import Draft, text_of

DATASET = "nvidia/AceReason-Math"


def draft(values: dict[str, Any], config: AceReasonSource) -> Draft:
    """A row as a draft. Raises `RefusedRowError`."""
    return Draft(kind=Kind.MATH, question=text_of(values, "problem"), gold=text_of(values, "answer"))
