"""Every record survives Arrow and Parquet, and tables of another record or version are refused."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas import arrow
from hipo_data.schemas.arrow import arrow_schema, check_schema, from_table, to_table
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, Gold, MathGold, NoGold, StdinGold
from hipo_data.schemas.records import (
    Control,
    Decision,
    Example,
    Justification,
    Kind,
    Message,
    Mode,
    Pick,
    Problem,
    Record,
    Rejected,
    Response,
    Rollout,
    Source,
    Status,
    Verdict,
    Vote,
)

# All of Unicode that UTF-8 can hold, with what tends to be lost on the way drawn more often.
texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(
        ["", "\x00", "\r\n", " a ", "null", "İ", "\U0001f9ee", "\u202e", "e\u0301", "{}", "\ufeff", "\\u0000"]
    ),
)
whole = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False)
known = {
    str: texts,
    int: whole,
    float: floats,
    Source: st.builds(Source, dataset=texts, revision=st.none() | texts, split=texts, file=texts, row=whole),
    Control: st.builds(
        Control,
        ended_by=st.sampled_from(["model", "limit"]),
        **{name: whole for name in Control.model_fields if name != "ended_by"},
    ),
    Message: st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=texts),
}
golds = st.one_of(
    st.just(NoGold()),
    st.builds(MathGold, answers=st.lists(texts, min_size=1, max_size=3)),
    st.builds(AssertGold, asserts=st.lists(texts, min_size=1, max_size=3), import_prefix=texts),
    st.builds(CheckGold, test_code=texts.filter(bool), entry_point=texts.filter(bool), import_prefix=texts),
    st.builds(lambda text: StdinGold(inputs=[text], outputs=[text]), texts),
    st.builds(lambda text, name: CallGold(fn_name=name, inputs=[text], outputs=[text]), texts, texts.filter(bool)),
)
RECORDS: list[type[Record]] = [
    Problem,
    Rollout,
    Verdict,
    Vote,
    Decision,
    Pick,
    Response,
    Justification,
    Example,
    Rejected,
    Source,
    Message,
]


def strategy(model: type[Record]) -> st.SearchStrategy[Any]:
    return st.builds(model, **{name: _values(name, info.annotation) for name, info in model.model_fields.items()})


def _values(name: str, annotation: Any) -> st.SearchStrategy[Any]:
    if name == "gold":
        return golds
    if name in ("sources", "messages"):
        return st.lists(known[Source if name == "sources" else Message], min_size=1, max_size=3)
    if annotation in known:
        return known[annotation]
    optional = {str | None: texts, int | None: whole, float | None: floats}
    optional |= {Source | None: known[Source], Control | None: known[Control]}
    if annotation in optional:
        return st.none() | optional[annotation]
    return st.from_type(annotation)


def through_parquet(table: pa.Table) -> pa.Table:
    file = io.BytesIO()
    pq.write_table(table, file)
    return pq.read_table(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("model", RECORDS)
@settings(max_examples=8)
@given(data=st.data())
def test_a_record_comes_back_from_parquet_as_it_went_in(model: type[Record], data: st.DataObject) -> None:
    records = data.draw(st.lists(strategy(model), max_size=3))
    table = to_table(records, model)
    assert list(from_table(table, model)) == records
    stored = through_parquet(table)
    assert stored.schema == arrow_schema(model)
    assert stored.schema.metadata == arrow_schema(model).metadata
    assert list(from_table(stored, model)) == records


def test_golds_of_different_shapes_stay_strings_and_gain_no_keys() -> None:
    shapes: list[Gold] = [
        MathGold(answers=["1"]),
        StdinGold(inputs=["1"], outputs=["2"]),
        AssertGold(asserts=["assert True"]),
    ]
    source = Source(dataset="d", split="s", file="f", row=0)
    rows = [Problem(problem_id=gold.type, kind=Kind.MATH, question="q", gold=gold, sources=[source]) for gold in shapes]
    column = through_parquet(to_table(rows, Problem))["gold"]
    assert column.type == pa.string()
    assert column.to_pylist() == [
        '{"type":"math","answers":["1"]}',
        '{"type":"stdin","inputs":["1"],"outputs":["2"]}',
        '{"type":"asserts","asserts":["assert True"],"import_prefix":""}',
    ]


def test_columns_have_the_types_that_readers_rely_on() -> None:
    schema = arrow_schema(Rollout)
    assert schema.field("mode") == pa.field("mode", pa.string(), nullable=False)
    assert schema.field("reasoning") == pa.field("reasoning", pa.string(), nullable=True)
    assert schema.field("completion_tokens") == pa.field("completion_tokens", pa.int64(), nullable=False)
    assert arrow_schema(Decision).field("p_on") == pa.field("p_on", pa.float64(), nullable=True)
    assert arrow_schema(Verdict).field("status") == pa.field("status", pa.string(), nullable=False)
    turns = arrow_schema(Example).field("messages").type
    assert [field.name for field in turns.value_type] == ["role", "content"]


def test_an_empty_table_still_says_what_it_holds() -> None:
    stored = through_parquet(to_table([], Verdict))
    check_schema(stored.schema, Verdict)
    assert list(from_table(stored, Verdict)) == []


def test_a_table_of_another_record_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"expected a table of Rollout records, version 1; found Verdict, version 1"):
        list(from_table(to_table([], Verdict), Rollout))


def test_a_table_of_another_version_is_refused_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    old = to_table([], Verdict)
    monkeypatch.setattr(Verdict, "version", 2)
    with pytest.raises(ValueError, match=r"Verdict records, version 2; found Verdict, version 1"):
        list(from_table(old, Verdict))


def test_a_table_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a table of Problem records.*found \?, version \?"):
        list(from_table(pa.table({"question": ["q"]}), Problem))


def test_a_record_refuses_unknown_fields_and_changes() -> None:
    message = Message(role="user", content="q")
    with pytest.raises(ValueError, match="Extra inputs"):
        Message.model_validate({"role": "user", "content": "q", "weight": 1})
    with pytest.raises(ValueError, match="frozen"):
        message.content = "other"  # type: ignore[misc]


def test_a_field_without_an_arrow_type_is_refused_when_the_schema_is_made() -> None:
    class Odd(Record):
        when: complex

    with pytest.raises(TypeError, match="no Arrow type for <class 'complex'>"):
        arrow.arrow_schema(Odd)


def test_modes_know_their_opposite_and_statuses_are_three() -> None:
    assert [mode.other for mode in Mode] == [Mode.THINK_OFF, Mode.THINK_ON]
    assert {status.value for status in Status} == {"correct", "incorrect", "unknown"}
