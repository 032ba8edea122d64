"""What changed from one model to another over the seeds that both have, each figure with its interval."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hipo_data.figures.text import NOTHING
from hipo_data.reproduce.intervals import change
from hipo_data.reproduce.outcomes import families_of, measured, read_outcomes
from hipo_data.reproduce.writing import signed

TITLES = ("accuracy, points", "accuracy", "tokens", "think-on")
_CELLS = (("accuracy", False), ("accuracy", True), ("tokens", True), ("think_on", True))

Outcomes = Mapping[int, pl.DataFrame]
"""By seed, the rows of `reproduce.outcomes` of one arm or cold start."""


def outcomes_of(found: Mapping[int, dict[str, Any]]) -> Outcomes:
    """The outcomes of an arm's models. Raises `UserError` where a file is gone."""
    return {seed: read_outcomes(Path(model["outcomes"])) for seed, model in found.items()}


def cells(before: Outcomes, after: Outcomes) -> list[str]:
    """`TITLES` in this order, such as `−4.9 % [−6.1, −3.7]`: cold starts of other seeds differ as much as arms do."""
    seeds = sorted(before.keys() & after.keys())
    if not seeds:
        return [NOTHING] * len(_CELLS)
    old, new = ([each[seed] for seed in seeds] for each in (before, after))
    strata = families_of(old[0])
    written = []
    for measure, relative in _CELLS:
        values = measured([*old, *new], measure)
        was, now = values[: len(seeds)], values[len(seeds) :]
        if np.isnan(was).all() or np.isnan(now).all() or (relative and np.nanmean(was) == 0):
            written.append(NOTHING)
            continue
        found = change(was, now, strata, relative=relative)
        unit = " %" if relative else ""
        low, high = (signed(100 * end) for end in (found.low, found.high))
        written.append(f"{signed(100 * found.value)}{unit} [{low}, {high}]")
    return written
