"""Golds in bulk: what the fast path makes of a text is what `graders.golds` makes of it, to the byte."""

import json

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticSerializationError

from hipo_data.graders.golds import NO_ANSWER, GoldError, parse_gold
from hipo_data.schemas.gold import MathGold, gold_from_json, gold_to_json
from hipo_data.schemas.records import Kind
from hipo_data.stages.ingest import golds as bulk
from hipo_data.stages.ingest.golds import parse_golds
from hipo_data.stages.ingest.reading.columns import DETAIL, REFUSED


def in_bulk(kind: str, texts: list[str | None]) -> list[tuple[str | None, str | None, str | None]]:
    schema = {"kind": pl.String, "gold": pl.String}
    found = parse_golds(pl.DataFrame({"kind": [kind] * len(texts), "gold": texts}, schema=schema))
    return list(found.select("gold", REFUSED, DETAIL).iter_rows())


def one_by_one(kind: str, gold: str | None) -> tuple[str | None, str | None, str | None]:
    try:
        return gold_to_json(parse_gold(kind, gold)), None, None
    except GoldError as error:
        return None, error.reason, str(error)[:2_000]
    except PydanticSerializationError:
        return None, "bad_gold", "not valid Unicode"


spaces = st.text(" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u3000\u200b\ufeff", max_size=2)
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [*NO_ANSWER, "none", "NAN", "NULL", "-", "0", "1/2", "\\frac{1}{2}", "[0, 1)", "[0,1]", '"1"', "{}"]
    ),
    st.sampled_from(
        ['{"type": "math", "answers": ["1", "2"]}', '{\t"answers": [], "type": "math"}', '{"a": 1}', "{1}"]
    ),
    st.lists(st.text(max_size=4), max_size=3).map(str),
    st.lists(st.text(max_size=4) | st.none() | st.integers() | st.floats(), max_size=3).map(json.dumps),
    st.builds(lambda text: f"[{text}", st.text(max_size=5)),
)
dressed = st.builds(lambda before, text, after: before + text + after, spaces, texts, spaces)


@settings(max_examples=300)
@given(st.lists(st.none() | dressed, min_size=1, max_size=8))
@example(['["1",\xa0"2"]', "3"])
@example(["\x1c1", "\x1f[1]", "a\x00\x08\x0c\x1f\x7f\x80\u2028\U0001f600\"\\/'"])
def test_math_golds_in_bulk_are_those_parsed_one_by_one(golds: list[str | None]) -> None:
    assert in_bulk("math", golds) == [one_by_one("math", gold) for gold in golds]


FIELDS = "type test_code entry_point import_prefix assert_case test_cases input output inputs outputs fn_name atol"
FIELDS += " testtype metadata func_name checker"
FIELDS += " unordered reference time_limit_s prompt canonical_solution base_input plus_input answers"
strings = st.sampled_from(
    ["", "1", "math", "stdin", "call", "asserts", "f", "def check(f):\n assert f(1)", "def f(: ", "a\0"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | strings | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5),
    max_leaves=12,
)
tests = st.dictionaries(st.sampled_from(FIELDS.split()), values, min_size=1, max_size=6)


@st.composite
def plain_tests(draw: st.DrawFn) -> str:
    """The usual shapes, in many a spelling: what is to be read in bulk, and what looks like it."""
    gaps = st.sampled_from(["", " ", "\n\t", "\r", *(["\xa0", "\x0c"] if draw(st.integers(0, 3)) == 0 else [])])

    def text() -> str:
        return json.dumps(draw(st.text(max_size=4)), ensure_ascii=draw(st.booleans()))

    def joined(items: list[str], ends: str) -> str:
        before, between, after = draw(gaps), f"{draw(gaps)},{draw(gaps)}", draw(gaps)
        return ends[0] + before + between.join(items) + after + ends[1]

    def pair(name: str, value: str) -> str:
        return f'"{name}"{draw(gaps)}:{draw(gaps)}{value}'

    count = draw(st.integers(0, 3))
    if draw(st.booleans()):
        sizes = {"inputs": count, "outputs": draw(st.sampled_from([count, count, 1]))}
        fields = [pair(name, joined([text() for _ in range(size)], "[]")) for name, size in sizes.items()]
    else:
        cases = [joined([pair("input", text()), pair("output", text())], "{}") for _ in range(count)]
        fields = [pair("test_cases", joined(cases, "[]"))]
    fields += draw(
        st.lists(st.sampled_from([pair("language", text()), pair("unordered", "true"), *fields]), max_size=1)
    )
    return joined(fields, "{}")


@settings(max_examples=500)
@given(st.lists(dressed | plain_tests(), min_size=1, max_size=6))
@example(['{"inputs": ["1"], "outputs": ["2"], "inputs": ["3"]}', '{"inputs": ["\\u00e9"], "outputs": ["1"]}'])
def test_plain_tests_in_bulk_are_those_parsed_one_by_one(golds: list[str]) -> None:
    assert in_bulk("code", [*golds]) == [one_by_one("code", gold) for gold in golds]


@pytest.mark.parametrize(
    "text",
    [
        '{"inputs": ["1\\n"], "outputs": ["2"]}',
        '{"test_cases": [{"input": "1", "output": "é"}], "language": "python"}',
        '{"test_cases":[{"input":"1","output":""}]}',
    ],
)
def test_plain_tests_need_no_parsing_one_by_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(bulk, "_parse")
    assert in_bulk("code", [text])[0][0]


@settings(max_examples=500)
@given(st.lists(dressed | values.map(json.dumps) | tests.map(json.dumps), min_size=1, max_size=6))
@example(['{"type": []}', '{"assert_case": 5}', '{"fn_name": "f", "inputs": [1], "outputs": [1]}'])
@example(['{"base_input": 1, "canonical_solution": "1", "entry_point": "f"}', '{"test_code": "\0"}'])
def test_code_golds_in_bulk_are_those_parsed_one_by_one(golds: list[str]) -> None:
    assert in_bulk("code", [*golds]) == [one_by_one("code", gold) for gold in golds]


@pytest.mark.parametrize("kind", ["math", "code"])
@pytest.mark.parametrize("text", ['["\\ud800"]', '{"inputs": ["\\udc00"], "outputs": ["1"]}', '{"\\ud800": 1}'])
def test_half_a_surrogate_pair_in_a_gold_costs_its_own_row_only(kind: str, text: str) -> None:
    others = ['["1"]', '["2"]'] if kind == "math" else ['["assert f(1)"]', '["assert f(2)"]']
    before, (_, reason, detail), after = in_bulk(kind, [others[0], text, others[1]])
    assert before[0] is not None
    assert after[0] is not None
    if kind == "code" or text.startswith("["):
        assert reason == "bad_gold"
        assert detail
        detail.encode()


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("42", ["42"]),
        (" \t42\n", ["42"]),
        ("none", ["none"]),
        ("nano", ["nano"]),
        ("[0, 1)", ["[0, 1)"]),
        ("[0, 1]", ["[0, 1]"]),
        ('["1/2", "0.5"]', ["1/2", "0.5"]),
        ("['1/2', '0.5']", ["1/2", "0.5"]),
        ("['a \"b\"', 'nan']", ["a \"b\""]),
        ("['\\\\frac{1}{2}']", ["\\frac{1}{2}"]),
        ('["\\\\frac{1}{2}"]', ["\\frac{1}{2}"]),
        ('["x"', ['["x"']),
        ("[" * 10_000, ["[" * 10_000]),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_list_written_as_text_holds_all_acceptable_answers(text: str, answers: list[str]) -> None:
    ((gold, reason, _),) = in_bulk("math", [text])
    assert (gold_from_json(gold or ""), reason) == (MathGold(answers=answers), None)


@pytest.mark.parametrize("text", [*sorted(NO_ANSWER), " nan ", "\tnull\n", "[]", '[""]', "['nan', ' ']", "[ ]", "\x1f"])
def test_what_stands_for_no_answer_is_refused(text: str) -> None:
    assert in_bulk("math", ["1", text, "2"])[1] == (None, "empty_gold", "no answer in the gold")


def test_equal_answers_are_equal_text_by_whichever_path_they_came() -> None:
    written = {gold for gold, *_ in in_bulk("math", ['ü/\\"\n1', '["ü/\\\\\\"\\n1"]', "['ü/\\\\\"\\n1']"])}
    assert written == {gold_to_json(MathGold(answers=['ü/\\"\n1']))}


def test_kinds_are_told_apart_within_one_table() -> None:
    tests = '{"assert_case": ["assert f()"]}'
    frame = pl.DataFrame({"kind": [Kind.CODE.value, Kind.MATH.value], "gold": [tests, tests]})
    parsed = parse_golds(frame)
    code, math = parsed["gold"]
    assert (gold_from_json(code).type, math) == ("asserts", None)
    assert parsed["refused"].to_list() == [None, "bad_gold"]


@pytest.mark.parametrize("gold", ['{"value": 57}', "{'value': 57}", '{ "answer": "57"}'])
def test_an_object_with_the_answer_in_a_field_is_read(gold: str) -> None:
    frame = pl.DataFrame({"kind": [Kind.MATH.value], "gold": [gold]})
    assert gold_from_json(parse_golds(frame)["gold"][0]) == MathGold(answers=["57"])
