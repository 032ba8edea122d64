"""Fresh problems come from their pool alone, as many as were asked for."""

import json
from pathlib import Path

import pytest

from hipo_data.models.make import fresh
from hipo_data.models.make.tasks import family_of, pool_of
from hipo_data.schemas.errors import UserError


def test_pools_share_no_question_and_families_are_what_they_are_called(tmp_path: Path) -> None:
    counts = {"pick": 12, "chain": 7}
    pools = {}
    for pool in ("train", "heldout"):
        assert fresh.write(tmp_path / pool, pool, counts, seed=1) == counts
        rows = [
            json.loads(line)
            for family in counts
            for line in (tmp_path / pool / f"{family}.jsonl").read_text().splitlines()
        ]
        assert {row["family"] for row in rows} == {family_of(row["problem"]) for row in rows} == set(counts)
        pools[pool] = {row["problem"] for row in rows}
        assert len(pools[pool]) == 19 and {pool_of(question) for question in pools[pool]} == {pool}
    assert not pools["train"] & pools["heldout"]


def test_a_family_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no math family 'code_direct'"):
        fresh.write(tmp_path, "train", {"code_direct": 3}, seed=1)
