"""How many justifications say again what another one says."""

import polars as pl

from hipo_data.schemas.config import NearDuplicates
from hipo_data.stages.texts.near_duplicates import bands, candidate_pairs, verify

SAMPLE = 20_000
"""Justifications that are compared, so that publish stays small; more of them would find more copies."""

_LIKE = NearDuplicates(threshold=0.8)


def copies(texts: pl.Series) -> float | None:
    """The share of texts that are like an earlier one; null without texts.

    Like are two whose word shingles have a Jaccard similarity of 0.8, with the same numbers (see
    `stages.texts.near_duplicates`).
    """
    if not len(texts):
        return None
    rows = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True), "question": texts}).with_columns(
        gold=pl.lit("")
    )
    pairs = candidate_pairs(bands(texts, _LIKE))
    return verify(pairs, rows, _LIKE)["b"].n_unique() / len(texts)
