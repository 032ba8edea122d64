"""Questions in different dress have the same words; questions that mean different things do not."""

import polars as pl
import pytest

from hipo_data.stages.texts.ngrams import RunHashes
from hipo_data.stages.texts.words import blocks, tokens, without_figures, words


def words_of(question: str | None) -> list[str]:
    return words(tokens(pl.Series([question], dtype=pl.String))).of(0)


def tokens_of(question: str) -> list[str]:
    return tokens(pl.Series([question])).of(0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Compute $\\sin 60^\\circ$.", "compute sin 60°"),
        ("Compute $\\sin 60^{\\circ}$.", "Compute \\(\\sin{60}\\) degrees!"),
        ("$\\left(\\frac{3}{4}\\right)$", "\\[\\bigl(\\dfrac34\\bigr)\\]"),
        ("$\\tfrac{a}{b}$", "a/b"),
        ("1,234,567 and 1{,}000", "1234567 and $1\\,000$"),
        ("$x \\leqslant 3$", "x ≤ 3"),
        ("$x \\neq y \\ge 2$", "x != y >= 2"),
        ("$x^{2}$", "x²"),
        ("$2 \\cdot 3$", "2 × 3"),
        ("$.5$", "0.5"),
        ("\\begin{align*} a &= b \\end{align*}", "a = b"),
        ("five $\\text{cm}$", "five cm"),
        ("a two-digit number, the $x$-axis", "a two digit number; the x axis"),
        ("20\\% of \\$5", "20 percent of 5"),
        ("$\\pi r$", "π r"),
        ("$P_{}^{}Q$", "PQ"),
        ("１２ ﬁsh", "12 fish"),
        ("$n! + 5!$", "n! + 5!"),
    ],
)
def test_dress_does_not_matter(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x + 3", "x - 3"),
        ("x < 3", "x \\le 3"),
        ("3.5", "35"),
        ("1, 2", "12"),
        ("5!", "5"),
        ("x^2", "x 2"),
        ("$-3$", "$3$"),
        ("a/b", "ab"),
        ("|x|", "x"),
        ("10⁻³", "10³"),
    ],
)
def test_what_means_something_else_differs(one: str, other: str) -> None:
    assert tokens_of(one) != tokens_of(other)


def test_commands_are_not_found_inside_longer_ones() -> None:
    assert words_of("$\\leftarrow \\lemma \\textwidth \\inf$") == ["leftarrow", "lemma", "textwidth", "inf"]


def test_scripts_without_spaces_are_words_by_character() -> None:
    assert words_of("设x是整数") == ["设", "x", "是", "整", "数"]


def test_figures_come_last_or_go() -> None:
    question = "See [asy]draw(1);[/asy] here. How long?"
    assert words_of(question) == ["see", "here", "how", "long", "asy", "draw", "1", "asy"]
    assert without_figures(pl.Series([question])).to_list() == ["See   here. How long?"]


def test_empty_questions_have_no_words() -> None:
    found = words(tokens(pl.Series(["", None, "a b", "$$", None])))
    assert found.counts.tolist() == [0, 0, 2, 0, 0]
    assert words(tokens(pl.Series([], dtype=pl.String))).counts.tolist() == []


def test_blocks_hold_every_question_once_and_stay_small() -> None:
    questions = pl.Series(["a" * 30, "b" * 7, None, "c" * 30, "d", "e", ""])
    parts = list(blocks(questions, chars=10))
    assert [first for first, _ in parts] == [0, 1, 3, 4]
    assert pl.concat([part for _, part in parts]).to_list() == questions.to_list()


def test_run_hashes_depend_on_the_run_alone() -> None:
    hashes, questions = RunHashes(tokens(pl.Series(["a b c d", "", "x a b c y", "a"]))).of_length(3)
    assert questions.tolist() == [0, 0, 2, 2, 2]
    assert hashes[0] == hashes[3]
    assert len(set(hashes.tolist())) == 4


def test_hashes_stay_the_same_from_version_to_version() -> None:
    hashes, _ = RunHashes(tokens(pl.Series(["find the sum"]))).of_length(3)
    assert hashes.tolist() == [4002508203428932071]
