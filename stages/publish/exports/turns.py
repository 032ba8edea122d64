"""Columns that several libraries ask for."""

import polars as pl

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.exports.levels import COLUMN

TURNS = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


def of_format(examples: pl.DataFrame) -> str:
    """The one format of the responses. Raises `ValueError` where there are several, or one that is not known."""
    names = examples["format"].unique().sort().to_list()
    if len(names) != 1 or names[0] not in FORMATS:
        raise ValueError(f"the responses of a dataset have one format of {', '.join(FORMATS)}; these have {names}")
    return str(names[0])


def template_switch(examples: pl.DataFrame) -> list[pl.Expr]:
    """A struct column of what a chat template takes to ask for a row's mode, and its level where rows have one; none
    where it has neither."""
    form = FORMATS[of_format(examples)]
    by_mode = {mode: form.chat_template_kwargs(mode) for mode in Mode}
    fields = [] if COLUMN not in examples.columns else [pl.col(COLUMN)]
    if all(by_mode.values()):
        fields += [
            pl.when(thinks())
            .then(pl.lit(by_mode[Mode.THINK_ON][name]))
            .otherwise(pl.lit(by_mode[Mode.THINK_OFF][name]))
            .alias(name)
            for name in sorted(by_mode[Mode.THINK_ON])
        ]
    return [pl.struct(fields).alias("chat_template_kwargs")] if fields else []


def given(examples: pl.DataFrame) -> pl.Expr:
    """What the prompt of a row's mode ends in after the bare generation prompt, with which its response begins."""
    form = FORMATS[of_format(examples)]
    return pl.when(thinks()).then(pl.lit(form.given(Mode.THINK_ON))).otherwise(pl.lit(form.given(Mode.THINK_OFF)))


def thinks() -> pl.Expr:
    """Whether an example reasons."""
    return pl.col("mode") != Mode.THINK_OFF.value
