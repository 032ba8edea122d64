"""Recorded responses, served by question and index."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.engines.base import Completion, EngineError, GenerationRequest
from hipo_data.engines.replay import Replay
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


async def ask(engine: Replay, question: str, index: int = 0, prompt: str = "What is 2 + 2 ?") -> Completion:
    return await engine.generate(
        GenerationRequest(
            messages=(Message(role="user", content=prompt),),
            sampling=SamplingConfig(),
            seed=0,
            question=question,
            index=index,
        )
    )


async def test_responses_come_by_index_and_are_counted_in_words(tmp_path: Path) -> None:
    engine = await started(write(tmp_path / "a.jsonl", {"question": "2+2?", "responses": ["It is 4", "5"]}))
    assert await ask(engine, "2+2?") == Completion("It is 4", FinishReason.STOP, prompt_tokens=6, completion_tokens=3)
    assert (await ask(engine, "2+2?", 1)).text == "5"
    await engine.close()


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
