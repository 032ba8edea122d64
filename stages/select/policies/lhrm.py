"""LHRM: the data of hybrid fine-tuning (arXiv 2505.14631).

Hard problems are kept with a verified response that thinks, easy ones with a response that does not; a problem is
never kept with both. In the format `lhrm`, `<no_think>` wraps the whole of a think-off answer.

The authors take hard and easy queries from different datasets. Decided here: a problem is hard where its pass rate
without thinking is below `hard_below`, easy where it is at least `easy_from`, and left out in between; think-off
responses are verified as well; the shortest response is kept.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import FLOAT_SLACK, OFF, ON, Chosen, decide, drop_reason, ranked

MODES = 1


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    rate = pl.col("p_off")
    hard, easy = rate < config.lhrm.hard_below - FLOAT_SLACK, rate >= config.lhrm.easy_from - FLOAT_SLACK
    wanted = pl.when(hard).then(pl.lit(ON)).when(easy).then(pl.lit(OFF))
    of_wanted = rollouts.filter("usable").join(
        problems.select("problem_id", mode=wanted), on=["problem_id", "mode"], how="semi"
    )
    picks = ranked(of_wanted, "completion_tokens", "index").filter(pl.col("rank") == 0)
    between = pl.when(~hard & ~easy).then(pl.lit("neither_hard_nor_easy"))
    why = (
        pl.when(rate.is_null())
        .then(drop_reason("no_pass_rate_off"))
        .otherwise(between.otherwise(drop_reason("preferred_mode_has_none")))
    )
    rule = pl.when(pl.col("mode") == ON).then(pl.lit("hard")).otherwise(pl.lit("easy"))
    return decide(problems, picks, rule, why)
