"""What the control of thinking took beside the responses, arm by arm, for what says costs."""

from collections.abc import Sequence

import polars as pl

from hipo_data.pipeline.views.run_files import RunFiles

_SCHEMA = {"problem_id": pl.String, "mode": pl.String, "beside": pl.Float64}


def beside_tokens(files: RunFiles, shards: Sequence[str], most: int) -> pl.DataFrame:
    """Mean tokens beside a response of each problem and arm that is controlled: `problem_id`, `mode`, `beside`.

    Args:
        files: of the run.
        shards: those to read.
        most: rollouts of an arm that count, by index.
    """
    found = [pl.DataFrame(schema=_SCHEMA)]
    for mode in files.config.roles.modes:
        rows = files.scan(f"sample.{mode}", shards=shards)
        if files.config.roles.of(mode).control is None or rows is None:
            continue
        if "control" not in rows.collect_schema():  # not one of the arm's rollouts was made in pieces
            continue
        tokens = pl.col("control").struct.field("completion_tokens").fill_null(0).mean()
        counted = rows.filter(pl.col("index") < most).group_by("problem_id").agg(beside=tokens.cast(pl.Float64))
        found.append(counted.select("problem_id", pl.lit(mode.value).alias("mode"), "beside").collect())
    return pl.concat(found)


def with_beside(counted: pl.DataFrame, beside: pl.DataFrame) -> pl.DataFrame:
    """Counts by problem and arm (columns `problem_id`, `mode`, `tokens`), the tokens with those beside a response."""
    if beside.is_empty():
        return counted
    joined = counted.join(beside, on=["problem_id", "mode"], how="left", maintain_order="left")
    return joined.with_columns(tokens=pl.col("tokens") + pl.col("beside").fill_null(0.0)).drop("beside")
