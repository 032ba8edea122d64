"""The table `rates` of a dataset: what is known of each published problem's pass rates, and how firm its mode is.

A table of its own, by `problem_id`, since a column more in the others would be one that readers of two versions of a
dataset stumble over (`docs/decisions/0041-uncertainty-by-a-fitted-prior.md`).
"""

from typing import cast

import polars as pl
import pyarrow as pa

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.exclusion import EXCLUDED
from hipo_data.stages.select.flips import flip_probability, stopped, with_again, wrong_mode
from hipo_data.stages.select.guessing import NO_BETTER, corrected_column
from hipo_data.stages.select.kept_rates import GROUP, RatePriors
from hipo_data.stages.select.prior import CELL, RUN, Priors

_COUNTED = [(name, pa.int64()) for name in ("n_on", "right_on", "n_off", "right_off")]
_RATES = [(name, pa.float64()) for name in ("p_on", "p_on_corrected", "p_off", "p_off_corrected")]
RATES_SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("split", pa.string()),
        ("mode", pa.string()),
        ("rule", pa.string()),
        *_COUNTED,
        *_RATES,
        ("delta", pa.float64()),
        ("repetition", pa.float64()),
        ("wrong_mode", pa.float64()),
        ("stopped_early", pa.bool_()),
        ("prior", pa.string()),
        ("options", pa.int64()),
        ("p_on_without_luck", pa.float64()),
        ("p_off_without_luck", pa.float64()),
    ]
)
"""`p_on` and `p_off` are as measured, and lean to the mode that they chose; corrected ones are posterior means.

`repetition`: that a repetition of the sampling would choose the same, null where the mode was drawn or the policy does
not go by counts. `wrong_mode`: that the mode differs from whether the true gain is at least `delta`, under the policy
hipo alone. `stopped_early`: not sampled in full, so that measured rates lean further. `prior`: what both went by.
`options`: of multiple choice, how many; `p_on_without_luck` and `p_off_without_luck` are the measured rates without
what guessing explains (`stages.select.guessing`), below 0 where they are lower than a guesser's.
"""

CELLS = [GROUP, *CELL[1:]]
_DIGITS = 9
"""A matrix product of fewer rows ends in other last bits, and how problems are cut into shards changes no byte."""


def grouped(decisions: pl.DataFrame, config: SelectConfig) -> pl.DataFrame:
    """Decisions with the group that their rates are corrected in: by the prior that chose, else all together."""
    group = pl.col("prior") if config.by_posterior else pl.lit(RUN)
    return decisions.with_columns(group.alias(GROUP))


def rates_table(
    problems: pl.DataFrame,
    decisions: pl.DataFrame,
    config: SelectConfig,
    wanted: dict[Mode, int],
    priors: Priors,
    correcting: RatePriors,
) -> pa.Table:
    """Rows of `RATES_SCHEMA` for problems that have a mode or were solved, less excluded ones, as `decisions` has them.

    Args:
        problems: columns `problem_id`, `source`, `split`, `options`.
        decisions: columns of `schemas.records.Decision`, made under `config`.
        wanted: rollouts of each mode that full sampling has.
        priors: what repetition and wrong modes go by.
        correcting: fitted to all decisions of the run, grouped by `grouped`.
    """
    published = decisions.filter(
        pl.col("mode").is_not_null() | (pl.col("right_on") + pl.col("right_off") > 0),
        pl.col("rule") != EXCLUDED,
        pl.col("drop_reason").ne_missing(NO_BETTER),
    )
    joined = published.join(problems, on="problem_id", how="left", validate="1:1", maintain_order="left")
    named = priors.named(with_again(joined, wanted))
    moments = correcting.corrected(grouped(named, config)).select("mean_on", "mean_off")
    table = named.select(
        *(name for name in RATES_SCHEMA.names[:8]),
        "p_on",
        moments["mean_on"].round(_DIGITS).alias("p_on_corrected"),
        "p_off",
        moments["mean_off"].round(_DIGITS).alias("p_off_corrected"),
        "delta",
        (1 - flip_probability(named, config, priors)).round(_DIGITS).alias("repetition"),
        wrong_mode(named, config, priors).round(_DIGITS).alias("wrong_mode"),
        stopped(wanted).alias("stopped_early"),
        "prior",
        "options",
        *(corrected_column(side).round(_DIGITS).alias(f"p_{side}_without_luck") for side in ("on", "off")),
    )
    return cast(pa.Table, table.to_arrow().cast(RATES_SCHEMA))
