"""Every rule does what its examples say, and on real data it refuses what a reader would refuse."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hipo_data.schemas.config import IngestConfig
from hipo_data.schemas.records import Kind
from hipo_data.stages.ingest.filters import Example, Rule, apply_filters, check_languages, check_names, rules

RULES = rules()
CLEANING = [rule.name for rule in RULES if rule.action == "clean"]
SCHEMA = dict.fromkeys(["kind", "question", "gold", "licence"], pl.String)

Row = dict[str, Any]


def frame(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame([{"kind": "math", "gold": "1", "licence": None, **row} for row in rows], schema=SCHEMA)


def only(*names: str, **config: Any) -> IngestConfig:
    """A config under which these rules run and no others."""
    return IngestConfig.model_validate({**config, "filters": {rule.name: rule.name in names for rule in RULES}})


def outcome(row: Row, config: IngestConfig) -> Row:
    return apply_filters(frame(row), config).row(0, named=True)


def of(example: Example) -> Row:
    return example.model_dump(include={"question", "gold", "licence", "kind"}, mode="json")


def examples(side: str) -> list[Any]:
    return [
        pytest.param(rule, example, id=f"{rule.name}-{number}")
        for rule in RULES
        for number, example in enumerate(getattr(rule, side))
    ]


@pytest.mark.parametrize(("rule", "example"), examples("accept"))
def test_rule_lets_pass_what_it_should_accept(rule: Rule, example: Example) -> None:
    got = outcome(of(example), only(rule.name, **rule.under))
    assert (got["refused"], got["refused_detail"]) == (None, None)
    assert got["question"] == example.question


@pytest.mark.parametrize(("rule", "example"), examples("reject"))
def test_rule_refuses_or_cleans_what_it_should(rule: Rule, example: Example) -> None:
    if rule.action == "clean":
        # Prefixes come in company, so the other cleaning rules run too; the refusing ones do not.
        assert outcome(of(example), only(*CLEANING))["question"] == example.after
        assert outcome(of(example), only(rule.name))["question"] != example.question
    else:
        got = outcome(of(example), only(rule.name, **rule.under))
        assert got["refused"] == rule.name
        assert 10 < len(got["refused_detail"]) <= 200
        assert "\n" not in got["refused_detail"]


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_rule_has_examples_on_both_sides_and_its_purpose_in_one_sentence(rule: Rule) -> None:
    assert len(rule.accept) >= 3
    assert len(rule.reject) >= 3
    assert rule.purpose.endswith(".")
    assert ". " not in rule.purpose


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_rule_that_is_off_does_nothing(rule: Rule) -> None:
    rows = frame(*(of(example) for example in rule.reject))
    got = apply_filters(rows, only(**rule.under))
    assert got.select(SCHEMA.keys()).equals(rows)
    assert got["refused"].null_count() == got["refused_detail"].null_count() == len(rows)


def test_names_are_unique_and_all_cleaning_comes_first() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert names[: len(CLEANING)] == CLEANING


def test_first_rule_in_file_order_gives_the_reason() -> None:
    row = {"question": "Prove that the marked angles in the figure are equal.", "gold": "proof"}
    first_to_last = ["gold_without_answer", "proof", "figure_reference"]
    assert [outcome(row, only(name))["refused"] for name in first_to_last] == first_to_last
    assert outcome(row, only(*first_to_last))["refused"] == "gold_without_answer"
    assert outcome(row, only(*reversed(first_to_last)))["refused"] == "gold_without_answer"
    assert outcome(row, only("figure_reference", "proof"))["refused"] == "proof"
    assert "Prove that" in outcome(row, only("figure_reference", "proof"))["refused_detail"]


def test_questions_are_cleaned_before_they_are_judged() -> None:
    emptied = outcome({"question": "Problem 12."}, IngestConfig())
    assert (emptied["refused"], emptied["refused_detail"]) == ("question_too_short", "the question is empty")
    kept = outcome(
        {"question": "Let $S$ be a [set](https://example.org/wiki/Set) of 3. Count its subsets."}, IngestConfig()
    )
    assert (kept["refused"], kept["question"]) == (None, "Let $S$ be a set of 3. Count its subsets.")


def test_prefixes_of_all_kinds_go_together_until_none_is_left() -> None:
    question = "## Task 3.\n\n**Problem 3.** [12 points] (1998, City Olympiad) 7.2. Find $x$ if $x+1=3$. (5 points)"
    assert outcome({"question": question}, IngestConfig())["question"] == "Find $x$ if $x+1=3$."


def test_rows_that_were_refused_before_stay_as_they_are() -> None:
    rows = frame({"question": "Problem 1. Prove that 1=1."}, {"question": "Problem 2. Prove that 2=2."}).with_columns(
        refused=pl.Series(["gold_conflict", None]), refused_detail=pl.Series(["two golds", None])
    )
    first, second = apply_filters(rows, IngestConfig()).rows(named=True)
    assert (first["refused"], first["refused_detail"]) == ("gold_conflict", "two golds")
    assert first["question"] == "Problem 1. Prove that 1=1."
    assert (second["refused"], second["question"]) == ("proof", "Prove that 2=2.")


def test_other_columns_and_the_frame_that_came_in_are_left_alone() -> None:
    rows = frame({"question": "Problem 1. What is 1+1?"}, {"question": "Prove that 1=1."}).with_columns(
        row=pl.Series([7, 8])
    )
    before = rows.clone()
    got = apply_filters(rows, IngestConfig())
    assert rows.equals(before)
    assert got.columns == [*rows.columns, "refused", "refused_detail"]
    assert got["row"].to_list() == [7, 8]


def test_empty_frame_gets_its_columns() -> None:
    got = apply_filters(frame(), IngestConfig(languages=["en"]))
    assert got.schema == SCHEMA | {"refused": pl.String, "refused_detail": pl.String}
    assert len(got) == 0


def test_nulls_are_refused_by_no_rule_about_text() -> None:
    rows = frame(
        {"question": None, "gold": None},
        {"kind": None, "question": "Prove it: 1=1."},
        {"question": "What is 1+1?", "gold": None},
    )
    got = apply_filters(rows, IngestConfig(languages=["en"]))
    assert got["refused"].to_list() == [None, None, None]
    assert got["question"].to_list() == rows["question"].to_list()


def test_rules_leave_other_kinds_alone() -> None:
    question = "Problem 1. Prove that in the figure below $a=b$."
    assert outcome({"kind": "code", "question": question}, IngestConfig())["question"] == question
    assert outcome({"kind": "code", "question": question}, IngestConfig())["refused"] is None
    assert outcome({"question": question}, IngestConfig())["refused"] == "proof"


def test_detail_is_one_short_line_however_long_the_match() -> None:
    options = "\n".join(f"({letter}) {'long ' * 100}" for letter in "ABCDE")
    detail = outcome({"question": f"Which?\n{options}"}, IngestConfig())["refused_detail"]
    assert len(detail) <= 200
    assert "…" in detail
    assert "\n" not in detail


def test_detail_quotes_the_text_that_is_the_gold() -> None:
    row = {"question": "Half is \\boxed{0.5}. Twice that is \\boxed{1}. What is twice a half?", "gold": '["1.0", "1"]'}
    assert outcome(row, IngestConfig())["refused_detail"] == 'the question has "\\boxed{1}", which is the gold'


@pytest.mark.parametrize(
    ("gold", "said"),
    [("\\frac{1}{12}", "\\frac{11}{2}"), ("12", "1.2"), ("-3", "3"), ("(1,2)", "(2,1)"), ("x^{12}", "x^12")],
)
def test_another_answer_than_the_gold_reveals_nothing(gold: str, said: str) -> None:
    assert (
        outcome({"question": f"What is it? Answer: {said}", "gold": gold}, only("answer_revealed"))["refused"] is None
    )
    assert outcome({"question": f"What is it? Answer: {said}", "gold": said}, only("answer_revealed"))["refused"]


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        ({}, []),
        ({"refuse": ["mit"]}, ["MIT"]),
        ({"accept": ["Apache-2.0"]}, ["MIT"]),
        ({"accept": ["MIT"], "undeclared": "refuse"}, ["apache-2.0", None]),
        ({"undeclared": "refuse"}, [None]),
    ],
)
def test_licence_policy(policy: dict[str, Any], refused: list[str | None]) -> None:
    rows = frame(*({"question": "What is 1+1?", "licence": licence} for licence in ("MIT", "apache-2.0", None)))
    got = apply_filters(rows, IngestConfig.model_validate({"licences": policy})).filter(pl.col("refused") == "licence")
    assert got["licence"].to_list() == refused


def test_languages_that_are_wanted_pass() -> None:
    french = {"question": "Calculer la somme des entiers de 1 à 100."}
    english = {"question": "Find the sum of the integers from 1 to 100."}
    chinese = {"question": "求前一百个自然数的和。"}
    config = IngestConfig(languages=["fr", "zh"])
    assert [outcome(row, config)["refused"] for row in (french, chinese, english)] == [None, None, "other_language"]
    assert outcome(french, IngestConfig())["refused"] is None
    assert outcome(french, IngestConfig(languages=["en"]))["refused_detail"] == "it reads as 'fr', which is none of en"


def test_unknown_names_are_answered_with_the_nearest_right_one() -> None:
    with pytest.raises(ValueError, match=r"ingest\.filters: there is no rule 'proofs'; did you mean 'proof'\?"):
        check_names({"proofs": True})
    with pytest.raises(ValueError, match="no rule 'figures'; did you mean 'figure_reference'"):
        apply_filters(frame(), IngestConfig(filters={"figures": False}))
    with pytest.raises(ValueError, match="no rule 'zzz'; the rules are translation_note, "):
        check_names({"zzz": True})
    with pytest.raises(ValueError, match=r"ingest\.languages: 'english' is not the code of a known language"):
        check_languages(["en", "english"])
    check_names({rule.name: True for rule in RULES})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"match": ["(?!lookahead)"]}, "not a regular expression"),
        ({"match": [{}]}, "give a pattern"),
        ({"match": []}, "'match'"),
        ({"replace": [{"pattern": "x"}]}, "'replace'"),
        ({"reject": [{"question": "x", "after": ""}]}, "'after'"),
        ({"under": {"language": ["en"]}}, "language"),
        ({"patern": "x"}, "patern"),
    ],
)
def test_mistakes_in_a_rule_are_found_when_it_is_read(change: Row, said: str) -> None:
    rule = {
        "name": "new",
        "purpose": "Some.",
        "default": True,
        "action": "refuse",
        "match": ["x"],
        "accept": ["y"],
        "reject": ["x"],
    }
    Rule.model_validate(rule)
    with pytest.raises(ValidationError, match=said):
        Rule.model_validate(rule | change)


EXAMPLES = [example.question for rule in RULES for example in (*rule.accept, *rule.reject)]
PREFIXES = ["Problem 1. ", "## Task\n\n", "12. ", "(5 points) ", "[4 points]", "2.3 In ", "(1) ", "**", "\n"]
pieces = st.sampled_from([*EXAMPLES, *PREFIXES, "\n\n*Proposed by A. Body*", "$x$", " "])
questions = st.lists(st.one_of(pieces, st.text(max_size=20)), max_size=5).map("".join).map(str.strip)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(list(Kind)).map(str),
            "question": questions,
            "gold": st.sampled_from(["1", "42", "proof", "B", '["Yes"]', "[0, 1]", "{}", ""]),
            "licence": st.sampled_from([None, "MIT"]),
        }
    ),
    max_size=6,
)
STRICT = IngestConfig.model_validate(
    {"filters": {rule.name: True for rule in RULES}, "languages": ["en"], "licences": {"undeclared": "refuse"}}
)


@given(rows)
def test_cleaning_twice_is_cleaning_once(rows: list[Row]) -> None:
    once = apply_filters(frame(*rows), only(*CLEANING)).select(SCHEMA.keys())
    assert apply_filters(once, only(*CLEANING)).select(SCHEMA.keys()).equals(once)


@settings(max_examples=20)
@given(rows)
def test_each_row_keeps_its_place_and_is_judged_by_itself(rows: list[Row]) -> None:
    together = apply_filters(frame(*rows), STRICT)
    alone = [apply_filters(frame(row), STRICT) for row in rows]
    assert together.rows() == [row for one in alone for row in one.rows()]
    assert together.select("kind", "gold", "licence").equals(frame(*rows).select("kind", "gold", "licence"))
    assert together["refused"].is_null().equals(together["refused_detail"].is_null())


def real(path: Path) -> pl.DataFrame:
    def row(values: Row) -> Row:
        tests = values.get("tests", values.get("test"))
        gold = values.get("answer", values.get("ground_truth")) if tests is None else tests
        question = values.get("problem") or values.get("question") or values["prompt"]
        code = tests is not None or "entry_point" in values
        return {
            "kind": "code" if code else "math",
            "question": question.strip(),
            "gold": gold if isinstance(gold, str) else json.dumps(gold),
        }

    if not path.exists():
        pytest.skip(f"no real data at {path}")
    return frame(*(row(json.loads(line)) for line in path.read_text().splitlines()))


@pytest.mark.parametrize(
    ("name", "refused", "cleaned"),
    # Each of these hits was read, and is what its rule is for.
    [
        ("real/math_train", {"multiple_choice": 43}, 0),
        ("real/aime_train", {"figure_reference": 7}, 0),
        ("real/gsm8k_model_solutions", {}, 0),
        ("real/leetcode", {"any_output": 3}, 0),
        ("real/codeforces", {"any_output": 23, "interactive": 9}, 16),
        ("real/code_contests", {"any_output": 7}, 4),
        ("real/humaneval", {}, 0),
        ("eval/minerva", {"answer_revealed": 30, "figure_reference": 1, "link": 1}, 0),
        ("eval/math", {"multiple_choice": 3, "figure_reference": 1}, 0),
        ("eval/amc", {"figure_reference": 2}, 0),
        ("eval/aime", {"link": 1}, 0),
    ],
)
def test_real_problems_are_refused_only_where_a_reader_would(
    shared_data: Path, name: str, refused: dict[str, int], cleaned: int
) -> None:
    rows = real(shared_data / f"{name}.jsonl")
    got = apply_filters(rows, IngestConfig(languages=["en"]))
    assert Counter(got["refused"].drop_nulls()) == refused
    assert (got["question"] != rows["question"]).sum() == cleaned
