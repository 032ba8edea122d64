"""Counts with their noun."""

from hipo_data.figures.plural import counted


def test_one_is_one_and_all_others_are_several() -> None:
    assert [counted(number, "piece") for number in (0, 1, 1_200)] == ["0 pieces", "1 piece", "1,200 pieces"]
    assert counted(2, "query", "queries") == "2 queries"
