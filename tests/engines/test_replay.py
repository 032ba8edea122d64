"""Recorded responses, served by question and index."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.engines.base import Completion, EngineError, GenerationRequest
from hipo_data.engines.replay import Replay
from hipo_data.engines.text_length import text_length
from hipo_data.schemas.config import ReplayEngine, SamplingConfig
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.records import FinishReason, Message


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


async def started(path: Path | str, **config: Any) -> Replay:
    engine = Replay(ReplayEngine.model_validate({"type": "replay", "path": str(path)} | config))
    await engine.start()
    return engine


async def ask(engine: Replay, question: str, index: int = 0, sampling: SamplingConfig | None = None) -> Completion:
    return await engine.generate(
        GenerationRequest(
            messages=(Message(role="user", content="What is 2 + 2 ?"),),
            sampling=sampling or SamplingConfig(),
            seed=0,
            question=question,
            index=index,
        )
    )


async def test_responses_come_by_index_and_are_counted_in_characters_where_no_tokenizer_is_known(
    tmp_path: Path,
) -> None:
    engine = await started(write(tmp_path / "a.jsonl", {"question": "2+2?", "responses": ["It is 4", "是四"]}))
    assert await ask(engine, "2+2?") == Completion("It is 4", FinishReason.STOP, prompt_tokens=15, completion_tokens=7)
    chinese = await ask(engine, "2+2?", 1)
    assert (chinese.text, chinese.completion_tokens) == ("是四", 2)
    await engine.close()


async def test_a_tokenizer_counts_prompts_and_responses(tmp_path: Path) -> None:
    responses = ["<think>\nso\n</think>\n\n\\boxed{4}", "是四"]
    path = write(tmp_path / "a.jsonl", {"question": "2+2?", "responses": responses})
    engine = await started(path, tokenizer="models/tiny-hybrid")
    length = text_length("models/tiny-hybrid")
    found = await ask(engine, "2+2?")
    assert found.completion_tokens == engine.count_tokens(responses[0]) == length(responses[0]) < len(responses[0])
    assert found.prompt_tokens == length("What is 2 + 2 ?")
    assert (await ask(engine, "2+2?", 1)).completion_tokens == length("是四") > 0


async def test_no_limit_cuts_a_recorded_response_off(tmp_path: Path) -> None:
    engine = await started(write(tmp_path / "a.jsonl", {"question": "a", "responses": "one two three"}))
    found = await ask(engine, "a", sampling=SamplingConfig(max_tokens=2))
    assert (found.text, found.finish_reason, found.completion_tokens) == ("one two three", FinishReason.STOP, 13)


async def test_why_a_response_ended_is_read_from_its_column(tmp_path: Path) -> None:
    rows = [
        {"question": "a", "responses": ["1", "2", "3"], "ended": ["stop", "max_tokens", None]},
        {"question": "b", "responses": "1", "ended": "length"},
    ]
    engine = await started(write(tmp_path / "a.jsonl", *rows), finish_reasons=["ended"])
    asked = [("a", 0), ("a", 1), ("a", 2), ("b", 0)]
    ended = [(await ask(engine, question, index)).finish_reason for question, index in asked]
    assert ended == [FinishReason.STOP, FinishReason.LENGTH, FinishReason.STOP, FinishReason.LENGTH]


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (["stop"], "2 responses and 1 finish reasons"),
        (None, "2 responses and 0 finish reasons"),
        (["stop", "tool_calls"], "the finish reason 'tool_calls' is known neither"),
    ],
)
async def test_finish_reasons_that_fit_no_response_refuse_and_are_named(
    tmp_path: Path, ended: Any, reason: str
) -> None:
    path = write(tmp_path / "a.jsonl", {"question": "a", "responses": ["1", "2"], "ended": ended})
    with pytest.raises(EngineRefusedError, match=rf"a\.jsonl, row 0: {reason}"):
        await started(path, finish_reasons=["ended"])


async def test_a_lone_surrogate_has_a_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"question": "a", "responses": "x \\ud800 y"}')
    engine = await started(path, tokenizer="models/tiny-hybrid")
    assert (await ask(engine, "a")).completion_tokens > 0


async def test_question_is_matched_by_its_normalised_text(tmp_path: Path) -> None:
    engine = await started(write(tmp_path / "a.jsonl", {"question": "What  is X?\n", "responses": "4"}))
    assert (await ask(engine, "what is x?")).text == "4"


async def test_columns_follow_each_other_and_dots_reach_inside(tmp_path: Path) -> None:
    row = {"meta": {"q": "a"}, "good": "1", "more": {"bad": ["2", "3"]}, "none": None}
    engine = await started(
        write(tmp_path / "a.jsonl", row), question="meta.q", responses=["good", "none", "missing", "more.bad"]
    )
    assert [(await ask(engine, "a", index)).text for index in range(3)] == ["1", "2", "3"]


async def test_rows_and_files_of_one_question_add_up_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b.jsonl", {"question": "a", "responses": "3"})
    write(tmp_path / "a.jsonl", {"question": "a", "responses": ["1"]}, "", {"question": "A ", "responses": ["2"]})
    engine = await started(tmp_path / "*.jsonl")
    assert [(await ask(engine, "a", index)).text for index in range(3)] == ["1", "2", "3"]


async def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"question": ["a", "b"], "responses": [["1", "2"], ["3"]]})
    pq.write_table(table, tmp_path / "a.parquet")
    engine = await started(tmp_path / "a.parquet")
    assert [(await ask(engine, "a", 1)).text, (await ask(engine, "b")).text] == ["2", "3"]


@pytest.mark.parametrize(("question", "index", "count"), [("a", 1, 3), ("a", 3, 3), ("unknown", 0, 0)])
async def test_response_that_was_never_recorded_is_an_error_for_good(
    tmp_path: Path, question: str, index: int, count: int
) -> None:
    engine = await started(write(tmp_path / "a.jsonl", {"question": "a", "responses": ["1", None, "2"]}))
    with pytest.raises(EngineError, match=rf"^{count} responses are recorded .* index {index}$") as caught:
        await ask(engine, question, index)
    assert caught.value.permanent


async def test_null_keeps_its_place_among_the_responses(tmp_path: Path) -> None:
    engine = await started(write(tmp_path / "a.jsonl", {"question": "a", "responses": [None, "2"]}))
    assert (await ask(engine, "a", 1)).text == "2"


async def test_missing_file_refuses(tmp_path: Path) -> None:
    with pytest.raises(EngineRefusedError, match=r"no file matches '.*nothing\.jsonl'"):
        await started(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"question": ', "row 1: JSONDecodeError"),
        ([1], "row 1: a JSON object is expected"),
        ({"text": "a"}, "row 1: no text in column 'question'"),
        ({"question": 7}, "row 1: no text in column 'question'"),
        ({"question": "b", "responses": [{"content": "x"}]}, "row 1: column 'responses' holds neither"),
        ({"question": "b", "responses": 4}, "row 1: column 'responses' holds neither"),
    ],
)
async def test_row_that_cannot_be_used_refuses_and_is_named(tmp_path: Path, row: Any, reason: str) -> None:
    path = write(tmp_path / "a.jsonl", {"question": "a", "responses": "1"}, row)
    with pytest.raises(EngineRefusedError, match=rf"a\.jsonl, {reason}"):
        await started(path)


async def test_file_without_any_response_refuses(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"question": "a", "answers": ["1"]})
    with pytest.raises(EngineRefusedError, match=r"has no response in responses$"):
        await started(path)


async def test_file_that_is_no_parquet_refuses(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"not parquet")
    with pytest.raises(EngineRefusedError, match=r"a\.parquet"):
        await started(tmp_path / "a.parquet")
