"""Chats as sources: the question is the user's turn, and the gold may be in the assistant's."""

import json
from pathlib import Path
from typing import Any

import pytest

from hipo_data.stages.ingest.chats import is_chat, read_chat
from hipo_data.stages.ingest.sources.table import ColumnMapping
from tests.stages.ingest.ingesting import read, table, write, write_parquet

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "What is 6 times 7?"}
ASSISTANT = {"role": "assistant", "content": "It is \\boxed{42}."}
AGAIN = {"role": "user", "content": "And 7 times 7?"}


def chats(path: Path, **changes: Any) -> Any:
    columns = ColumnMapping(chat="messages", gold="messages", id="key")
    return table(path, columns=columns, gold_is="solution", **changes)


@pytest.mark.parametrize(
    ("turns", "question", "answer"),
    [
        ([SYSTEM, USER, ASSISTANT], USER["content"], ASSISTANT["content"]),
        ([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "q", "a"),
        ([{**USER, "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}], "one\ntwo", None),
        ([USER, ASSISTANT, AGAIN, {"role": "assistant", "content": "49"}], USER["content"], ASSISTANT["content"]),
        ({"messages": [USER]}, USER["content"], None),
    ],
)  # fmt: skip
def test_question_and_answer_are_the_first_ones(turns: Any, question: str, answer: str | None) -> None:
    chat = read_chat(json.dumps(turns))
    assert (chat.question, chat.answer, chat.objection) == (question, answer, None)
    assert is_chat(json.dumps(turns))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("What is 1+1?", "it is no list of turns"),
        ("[1, 2]", "it is no list of turns"),
        ("[]", "it is no list of turns"),
        (json.dumps([{"content": "q"}]), "does not say whose it is"),
        (json.dumps([ASSISTANT]), "it holds no user turn"),
        (json.dumps([{"role": "user", "content": 3}]), "the turn of user holds int and no text"),
        (json.dumps([{"role": "user", "content": [{"type": "image_url"}]}]), "a part that is no text"),
    ],
)
def test_what_is_no_chat_with_text_is_named(text: str, said: str) -> None:
    assert said in (read_chat(text).objection or "")


def test_chats_become_problems_and_others_are_refused_by_name(tmp_path: Path) -> None:
    rows = [
        {"key": "a", "messages": [SYSTEM, USER, ASSISTANT]},
        {"key": "b", "messages": [USER, ASSISTANT, AGAIN]},
        {"key": "c", "messages": "What is 1+1?"},
        {"key": "d", "messages": None},
        {"key": "e", "messages": [{**USER, "content": "Other?"}]},
        {
            "key": "f",
            "messages": [{**USER, "content": "Third?"}, {**ASSISTANT, "content": "One of 3 or 4.\nWho knows."}],
        },
    ]
    found = read(chats(write(tmp_path / "x.jsonl", rows)))
    (problem,) = found.problems
    assert (problem.question, problem.gold.answers) == (USER["content"], ["42"])  # type: ignore[union-attr]
    assert (problem.source_id, problem.gold_text) == ("a", ASSISTANT["content"])
    refused = {row.sources[0].id: (row.reason, row.detail) for row in found.rejected}
    assert {key: reason for key, (reason, _) in refused.items()} == {
        "b": "several_turns", "c": "bad_column", "d": "bad_column", "e": "no_gold", "f": "gold_not_found"
    }  # fmt: skip
    assert "has 2 user turns; 'turns: first' would take the first one" in refused["b"][1]
    assert refused["e"][1] == "the chat has no assistant turn"
    first = read(chats(write(tmp_path / "y.jsonl", rows[1:2]), turns="first"))
    assert [each.question for each in first.problems] == [USER["content"]]


def test_parquet_and_texts_of_json_hold_chats_too(tmp_path: Path) -> None:
    rows = [{"key": "a", "messages": [USER, ASSISTANT]}]
    nested = read(chats(write_parquet(tmp_path / "x.parquet", rows)))
    as_text = read(chats(write(tmp_path / "x.jsonl", [{"key": "a", "messages": json.dumps(rows[0]["messages"])}])))
    assert (
        [each.question for each in nested.problems] == [each.question for each in as_text.problems] == [USER["content"]]
    )
