"""The problems of rl/ as the rows that the RL trainer takes."""

import hashlib
from collections.abc import Sequence
from typing import Any

from hipo_data.schemas.algorithm_config import AdaptThink, LcpoReward
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.gold import gold_in_row
from hipo_data.trainer.facts.scoring import read_gold
from hipo_data.trainer.training.config import RlConfig
from hipo_data.trainer.training.dataset_rows import Row

_ASKED = {"exact": " Think for {} tokens.", "max": " Think for maximum {} tokens."}


def problems(config: RlConfig, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """`prompt`, `problem_id`, `kind`, `question`, `gold`, `family`, `p_on` and `budget` of each problem.

    LCPO's wish stands in the prompt, its budget drawn by the problem's id. Raises `UserError` where a gold cannot be
    read, or where AdaptThink's reference is missing.
    """
    found = [_problem(config, row) for row in rows]
    if isinstance(config.algorithm, AdaptThink):
        return _with_reference(config.algorithm, found)
    return found


def _problem(config: RlConfig, row: Row) -> dict[str, Any]:
    problem_id = row["extra_info"]["problem_id"]
    gold = gold_in_row(row["reward_model"]["ground_truth"], row["extra_info"])
    read_gold(gold, f"problem {problem_id}", "publish the dataset anew")
    *before, last = row["prompt"]
    reward, budget = config.algorithm.reward, 0
    if isinstance(reward, LcpoReward):
        budget = _budget(f"{config.seed}:{problem_id}", reward.low, reward.high)
        last = {**last, "content": last["content"] + _ASKED[reward.form].format(budget)}
    return {
        "prompt": [*before, last],
        "problem_id": problem_id,
        "kind": row["ability"],
        "question": row["prompt"][-1]["content"],
        "gold": gold,
        "family": row[config.log_by],
        "p_on": row["extra_info"]["p_on"],
        "budget": budget,
    }


def _budget(key: str, low: int, high: int) -> int:
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return low + drawn % (high - low + 1)


def _with_reference(algorithm: AdaptThink, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [row for row in rows if row["p_on"] is not None]
    if len(known) < len(rows) and (algorithm.without_reference == "refuse" or not known):
        raise UserError(
            f"{len(rows) - len(known)} of {len(rows)} problems have no p_on, which is adaptthink's reference; "
            "sample both modes for every problem, or set algorithm.without_reference: drop"
        )
    return known
