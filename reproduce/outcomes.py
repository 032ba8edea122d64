"""What came of each evaluation problem under one model: right or not, tokens, mode. One small file a model."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.evaluation.folder import piece_path, write_rows
from hipo_data.evaluation.forcing import end_of_justification
from hipo_data.evaluation.metrics.shares import RIGHT_IF_GRADED
from hipo_data.evaluation.prompts import load_tokenizer
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode

OUTCOMES: Final = pl.Schema(
    {
        "problem_id": pl.String(),
        "family": pl.String(),
        "mode": pl.String(),
        "right": pl.Boolean(),
        "tokens": pl.Int64(),
        "justification_tokens": pl.Int64(),
    }
)
"""One problem a row, the model choosing the mode.

`mode` is null where the response shows none, `right` where the verdict is unknown, `tokens` where the request failed;
`justification_tokens` are those of `tokens` up to the tag that ends the justification, 0 in formats without one.
"""

MEASURES = ("accuracy", "tokens", "think_on")
"""What `measured` can give."""


def write_outcomes(evaluation: Path, model: Path, response_format: Format, out: Path) -> None:
    """Writes the file from the rows of an evaluation in which the model chose the mode, with seed 0.

    The justification is counted by the model's tokenizer, in the text: the tokens that were drawn are not kept.
    """
    rows = pl.read_parquet(piece_path(evaluation, 0, None))
    lengths = pl.Series("justification_tokens", _justifications(rows["text"].to_list(), model, response_format))
    found = rows.with_columns(RIGHT_IF_GRADED.alias("right"), pl.min_horizontal(lengths, "tokens").alias(lengths.name))
    write_rows(found.select(OUTCOMES.names()).cast(OUTCOMES), out)


def _justifications(texts: list[str], model: Path, response_format: Format) -> list[int]:
    if not response_format.justifies:
        return [0] * len(texts)
    end = end_of_justification(response_format)
    heads = []
    for text in texts:
        head, ended, _ = text.removeprefix(response_format.prompt_suffix).partition(end)
        heads.append(head + ended)
    ids: list[list[int]] = load_tokenizer(str(model))(heads, add_special_tokens=False)["input_ids"]
    return [len(each) for each in ids]


def read_outcomes(path: Path) -> pl.DataFrame:
    """The rows of a file that `write_outcomes` wrote. Raises `UserError` where it is gone."""
    if not path.is_file():
        raise UserError(
            f"{path} is missing, which says what came of each problem; remove its step's file and run again"
        )
    return pl.read_parquet(path)


def measured(outcomes: list[pl.DataFrame], measure: str) -> NDArray[np.float64]:
    """A measure of `MEASURES` by model and problem, (models, problems), NaN where there is none.

    Raises `ValueError` where the models have not answered the same problems in the same order.
    """
    first = outcomes[0]["problem_id"]
    if any(not each["problem_id"].equals(first) for each in outcomes):
        raise ValueError("the models were not asked the same problems in the same order")
    column = {
        "accuracy": pl.col("right"),
        "tokens": pl.col("tokens"),
        "think_on": pl.col("mode") == Mode.THINK_ON.value,
    }[measure]
    values = [each.select(column.cast(pl.Float64).fill_null(float("nan"))).to_series().to_numpy() for each in outcomes]
    return np.stack(values)


def families_of(outcomes: pl.DataFrame) -> NDArray[np.int64]:
    """The family of each problem as a number, (problems,)."""
    return outcomes["family"].rank("dense").to_numpy().astype(np.int64)


def by_mode(outcomes: list[pl.DataFrame]) -> dict[str, dict[str, float | None]]:
    """Of each mode and of `all` responses: mean tokens of the `justification` and of the `rest`, over the models.

    Responses without a mode count among all; a mode that no response has gives null.
    """
    rows = pl.concat(outcomes)
    parts = {"all": rows} | {mode.value: rows.filter(pl.col("mode") == mode.value) for mode in Mode}
    rest = pl.col("tokens") - pl.col("justification_tokens")
    means = {
        name: part.select(justification=pl.col("justification_tokens").mean(), rest=rest.mean()).row(0, named=True)
        for name, part in parts.items()
    }
    return means
