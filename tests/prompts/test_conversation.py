"""Which tokens end a response."""

import pytest

from hipo_data.prompts.conversation import end_ids


@pytest.mark.parametrize(("declared", "ids"), [(None, [5]), (5, [5]), (7, [5, 7]), ([7, 5, 8], [5, 7, 8])])
def test_a_generation_config_declares_one_token_several_or_none(
    declared: int | list[int] | None, ids: list[int]
) -> None:
    assert end_ids(declared, 5, None) == ids
