"""Golds survive their JSON string, and what cannot be graded against is refused."""

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from hipo_data.schemas.gold import (
    CallGold,
    ProblemGold,
    StdinGold,
    gold_from_json,
    gold_to_json,
    problem_gold_from_json,
)
from tests.schemas.test_records_in_parquet import golds


@settings(max_examples=50)
@given(golds)
def test_a_gold_comes_back_from_json(gold: ProblemGold) -> None:
    assert problem_gold_from_json(gold_to_json(gold)) == gold
    assert gold.type == "none" or gold_from_json(gold_to_json(gold)) == gold


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"type":"math","answers":[]}', "at least 1 item"),
        ('{"type":"stdin","inputs":[],"outputs":[]}', "at least 1 item"),
        ('{"type":"stdin","inputs":["1","2"],"outputs":["1"]}', "2 inputs but 1 outputs"),
        ('{"type":"call","fn_name":"f","inputs":["1"],"outputs":["1","2"]}', "1 inputs but 2 outputs"),
        ('{"type":"call","fn_name":"","inputs":["1"],"outputs":["1"]}', "at least 1 character"),
        ('{"type":"check","test_code":"","entry_point":"f"}', "at least 1 character"),
        ('{"type":"check","test_code":"def check(f): pass"}', "Field required"),
        ('{"type":"asserts","asserts":[]}', "at least 1 item"),
        ('{"type":"essay","answers":["1"]}', "does not match any of the expected tags"),
        ('{"type":"none"}', "does not match any of the expected tags"),
        ('{"answers":["1"]}', "Unable to extract tag"),
        ('{"type":"math","answers":["1"],"hint":"2"}', "Extra inputs"),
        ('{"type":"math","answers":[1]}', "valid string"),
        ('["1"]', "Input should be an object"),
        ("{", "Invalid JSON"),
    ],
)
def test_a_gold_that_grades_nothing_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        gold_from_json(text)


def test_unpaired_tests_are_refused_where_they_are_made() -> None:
    with pytest.raises(ValidationError, match="1 inputs but 2 outputs"):
        StdinGold(inputs=["1"], outputs=["1", "2"])
    with pytest.raises(ValidationError, match="2 inputs but 1 outputs"):
        CallGold(fn_name="f", inputs=["1", "2"], outputs=["1"])
