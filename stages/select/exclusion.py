"""Problems that people have flagged, left out of what a policy chose.

The file of flags is JSON Lines, an object with `problem_id` and `remark` a line; a line may be a bare id as well.
"""

import json
import re
from collections.abc import Collection

import polars as pl

from hipo_data.schemas.records import Decision
from hipo_data.stages.select.policies.policy import Chosen

EXCLUDED = "excluded"
"""As rule and as reason of a problem that is left out, whatever its rollouts say."""

_ID = re.compile("[0-9a-f]{32}")


def parse_flags(text: str) -> dict[str, str]:
    """Remarks by problem id, in the order of the file. Raises `ValueError` with the line that is neither."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        problem_id, remark = _flag(line.strip())
        if problem_id is None or not _ID.fullmatch(problem_id):
            raise ValueError(f"line {number} is neither a problem's id nor an object with one as problem_id")
        found[problem_id] = remark
    return found


def flags_text(flags: dict[str, str]) -> str:
    """What `parse_flags` reads."""
    return "".join(
        json.dumps({"problem_id": problem_id, "remark": remark}, ensure_ascii=False) + "\n"
        for problem_id, remark in flags.items()
    )


def _flag(line: str) -> tuple[str | None, str]:
    if not line.startswith("{"):
        return line, ""
    try:
        read = json.loads(line)
    except json.JSONDecodeError:
        return None, ""
    problem_id, remark = read.get("problem_id"), read.get("remark")
    return (problem_id if isinstance(problem_id, str) else None), ("" if remark is None else str(remark))


def left_out(chosen: Chosen, problem_ids: Collection[str]) -> Chosen:
    """The same with these problems dropped. Their counts and pass rates stay, their picks go."""
    if not problem_ids:
        return chosen
    meant = pl.col("problem_id").is_in(list(problem_ids))
    values = {"rule": EXCLUDED, "drop_reason": EXCLUDED, "mode": None, "index": None, "chosen_tokens": None}
    dropped = [pl.when(~meant).then(name).otherwise(pl.lit(value)).alias(name) for name, value in values.items()]
    return Chosen(chosen.decisions.with_columns(dropped), chosen.picks.filter(~meant))


def is_left_out(decision: Decision) -> bool:
    """Whether somebody flagged the problem, so that no part of the dataset holds it."""
    return decision.drop_reason == EXCLUDED
