"""What is kept of each evaluation problem, from the rows of an evaluation."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hipo_data.evaluation.folder import piece_path, write_rows
from hipo_data.evaluation.prompts import load_tokenizer
from hipo_data.evaluation.rows import ROWS
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.reproduce.outcomes import by_mode, families_of, measured, read_outcomes, write_outcomes
from tests.trainer.conftest import TEACHER

RESPONSES = [
    ("<judge>\nAn easy sum.\n</judge>\n\n<think_off>\n<answer>\n\\boxed{5}\n</answer>", "think_off", "correct", 60),
    ("<judge>\nA sum.\n</judge>\n\n<think_on>\n<think>\n2+3\n</think>\n\n<answer>\n\\boxed{6}\n</answer>", "think_on",
     "incorrect", 90),
    ("<judge>\nAn easy sum that never ends", None, "incorrect", 20),
    ("<judge>\nAn easy sum.\n</judge>\n\n<think_on>\n<think>\n2+3\n</think>", "think_on", "unknown", 70),
]  # fmt: skip


def outcomes(folder: Path, response_format: str = "hipo") -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        dict.fromkeys(ROWS.names())
        | {"problem_id": f"p{i}", "family": "pick" if i % 2 else "chain", "text": text, "mode": mode}
        | {"status": status, "tokens": tokens}
        for i, (text, mode, status, tokens) in enumerate(RESPONSES)
    ]
    write_rows(pl.DataFrame(rows, schema=ROWS), piece_path(folder / "evaluation", 0, None))
    write_outcomes(folder / "evaluation", TEACHER, FORMATS[response_format], folder / "outcomes.parquet")
    return read_outcomes(folder / "outcomes.parquet")


def test_the_justification_is_counted_up_to_its_end(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(TEACHER))

    def length(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    found = outcomes(tmp_path)
    assert found["justification_tokens"].to_list() == [
        length("An easy sum.\n</judge>"),
        length("A sum.\n</judge>"),
        length("An easy sum that never ends"),
        length("An easy sum.\n</judge>"),
    ]
    assert found["right"].to_list() == [True, False, False, None]
    assert found["mode"].to_list() == ["think_off", "think_on", None, "think_on"]


def test_a_format_without_justifications_has_none(tmp_path: Path) -> None:
    assert outcomes(tmp_path, "thinkless")["justification_tokens"].to_list() == [0] * 4


def test_measures_have_a_row_a_model_and_leave_open_what_is_unknown(tmp_path: Path) -> None:
    found = outcomes(tmp_path)
    np.testing.assert_array_equal(measured([found, found], "accuracy"), [[1, 0, 0, np.nan]] * 2)
    np.testing.assert_array_equal(measured([found], "think_on"), [[0, 1, np.nan, 1]])
    np.testing.assert_array_equal(measured([found], "tokens"), [[60, 90, 20, 70]])
    assert families_of(found).tolist() == [1, 2, 1, 2]
    with pytest.raises(ValueError, match="same problems in the same order"):
        measured([found, found.reverse()], "tokens")


def test_tokens_by_mode_are_means_over_all_models(tmp_path: Path) -> None:
    found = outcomes(tmp_path).with_columns(justification_tokens=pl.lit(10))
    means = by_mode([found, found.with_columns(tokens=pl.col("tokens") + 10)])
    assert means["think_on"] == {"justification": 10, "rest": 75}
    assert means["all"] == {"justification": 10, "rest": 55} and means["think_off"]["rest"] == 55
    assert by_mode([found.filter(pl.col("mode").is_null())])["think_on"] == {"justification": None, "rest": None}
