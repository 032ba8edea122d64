"""TokenSkip through the real llmlingua, on a model of random weights: what it is called with is what it takes."""

from pathlib import Path

import pytest

from tests.support.verl_library import installed, run_beside

pytestmark = pytest.mark.long

REASONING = "First the sum of 12 and 30 is 42. " * 30


def test_reasoning_is_pruned_to_about_the_share_and_keeps_its_order_and_numbers(tmp_path: Path) -> None:
    library = installed(["llmlingua==0.2.2", "nltk==3.10.4"])
    model = tmp_path / "tiny-bert-base-multilingual-cased"  # llmlingua goes by the name
    jobs = [[REASONING, share] for share in (1.0, 0.9, 0.5)] + [["", 0.5], [" \n", 0.5]]
    whole, most, half, *empty = (row["pruned"] for row in run_beside("prune_with_llmlingua.py", library, [model, jobs]))
    assert whole == REASONING
    assert empty == ["", " \n"]
    assert len(REASONING) > len(most) > len(half) > 0
    assert 0.85 <= len(most) / len(REASONING) <= 0.95 and 0.4 <= len(half) / len(REASONING) <= 0.65
    rest = iter(REASONING.replace(".", " . ").split())
    assert all(word in rest for word in half.replace(".", " . ").split())
    assert all(half.count(number) == 30 for number in ("12", "30", "42"))
