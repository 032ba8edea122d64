"""The ladder: arms are sampled from cheap to dear, and a dearer one only for problems that are still open.

A problem is settled once the lowest arm within δ of the best so far would be within δ of an arm that is always right,
and has a response to keep: lower arms are out already, whatever dearer ones bring, and this one cannot be thrown out by
them. So `stages.select.policies.effort` chooses the same arm, by the same rule, with the same response, as it would
with all arms sampled in full. What differs is what is known of the dearer arms: nothing.

Under `select.rule: posterior` the choice hangs on a prior that is fitted to all problems later. A problem is settled
there once an arm was right every time and has a response to keep: what dearer ones bring is not looked at.

An arm is a rung as a whole: all n rollouts of it, so that its pass rate does not lean.
"""

from collections.abc import Collection, Sequence

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.effort import always_right, settles, within_delta
from hipo_data.stages.select.select import arm_table

VERSION = "1"


def open_problems(
    problem_ids: Sequence[str],
    rollouts: pl.LazyFrame,
    verdicts: pl.LazyFrame,
    config: SelectConfig,
    tags: Collection[str],
    arms: Sequence[str],
) -> list[str]:
    """Those that a dearer arm could still decide, in their order.

    Args:
        rollouts: columns `select.ROLLOUT_COLUMNS`, of the arms sampled so far, in full.
        verdicts: columns `select.VERDICT_COLUMNS`.
        config: δ, `min_graded` and `leaking`.
        tags: of the format.
        arms: names of all arms, from cheap to dear.
    """
    counted = arm_table(rollouts, verdicts, config, tags, arms)
    if config.by_posterior:
        settled = counted.filter(always_right(config.min_graded))
    else:
        settled = within_delta(counted, config.delta).filter(settles(config.delta))
    done = set(settled.select("problem_id").collect()["problem_id"])
    return [each for each in problem_ids if each not in done]
