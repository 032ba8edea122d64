"""Options in a question read back, and their order never changes what is asked or which of them is right."""

from hypothesis import given
from hypothesis import strategies as st

from hipo_data.schemas.gold import ChoiceGold
from hipo_data.schemas.keys import problem_id
from hipo_data.schemas.lettered_options import (
    LETTERS,
    can_be_shown,
    in_one_order,
    unordered,
    with_options,
    without_options,
)
from hipo_data.schemas.option_order import names_letters, order, shuffled

options = st.lists(
    st.text("ABab. \n1(é$\\", min_size=1, max_size=12).map(str.strip).filter(can_be_shown),
    min_size=2, max_size=26, unique=True,
)  # fmt: skip
stems = st.text("Aab. \n?", max_size=30).map(str.strip)


@given(stem=stems, shown=options)
def test_a_question_reads_back(stem: str, shown: list[str]) -> None:
    assert without_options(with_options(stem, shown)) == (stem, shown)


@given(stem=stems, shown=options, order_of=st.randoms(use_true_random=False), seed=st.integers(0, 99))
def test_no_order_changes_the_id_nor_what_is_right(stem: str, shown: list[str], order_of, seed: int) -> None:  # type: ignore[no-untyped-def]
    other = list(shown)
    order_of.shuffle(other)
    one, two = with_options(stem, shown), with_options(stem, other)
    assert unordered(one) == unordered(two) == with_options(stem, in_one_order(other))
    right = shown[0]
    key = problem_id(unordered(one))
    golds = [ChoiceGold(options=each, answer=LETTERS[each.index(right)]) for each in (shown, other)]
    made = [shuffled(gold, seed, key) for gold in golds]
    assert {gold.right for gold in made} == {right}
    if not any(map(names_letters, shown)):
        assert made[0] == made[1]


@given(seed=st.integers(0, 9), shown=options)
def test_the_seed_and_the_problem_decide(seed: int, shown: list[str]) -> None:
    assert order(shown, seed, "p") == order(shown, seed, "p")
    assert sorted(order(shown, seed, "p")) == list(range(len(shown)))


def test_what_names_other_options_by_letter() -> None:
    for option in ("A and B", "both A and C", "(A), (C)", "Neither B nor D", "A, B and C only", "All of A, B"):
        assert names_letters(option), option
    for option in ("A", "a man and a dog", "AB", "vitamin A and B12", "all of the above", "x and y axes"):
        assert not names_letters(option), option


def test_a_text_without_options_stays() -> None:
    for text in ("What is 2 + 2?", "Choose.\n\nA. only one", "x\n\nA. a\nC. c", ""):
        assert (without_options(text), unordered(text)) == (None, text)
