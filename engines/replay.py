"""Responses recorded elsewhere, served by question and index, whole as they are: no limit cuts them off."""

import asyncio
from contextlib import AbstractAsyncContextManager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import polars as pl

from hipo_data.engines.base import Completion, EngineError, GenerationRequest
from hipo_data.engines.chat_reply import CUT, ENDED
from hipo_data.engines.text_length import TextLength, text_length
from hipo_data.schemas.config import ReplayEngine
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.keys import problem_id, problem_ids
from hipo_data.schemas.records import FinishReason
from hipo_data.schemas.tables import Row, lookup, read_rows, source_files
from hipo_data.schemas.text import valid_unicode

_PART = 10_000
"""Rows whose ids are made together."""


class _Recorded(NamedTuple):
    text: str
    ended: FinishReason


class Replay:
    """An engine over a file of responses. Lengths are tokens of the config's tokenizer, without one characters."""

    whole = True

    def __init__(self, config: ReplayEngine) -> None:
        self._config = config
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._length: TextLength = len
        self._responses: dict[str, list[_Recorded | None]] = {}
        self._by_text: dict[str, list[_Recorded | None]] = {}
        """The same lists by the question as it was written: most are asked for so, and ids take far longer to make."""

    async def start(self) -> None:
        """Reads the files. Raises `EngineRefusedError` where one cannot be read or none holds a response, and for a
        tokenizer that cannot be had."""
        self._length = await asyncio.to_thread(text_length, self._config.tokenizer)
        try:
            for path in source_files(self._config.path):
                rows = read_rows(path)
                while part := list(islice(rows, _PART)):
                    self._add(path, part)
        except (FileNotFoundError, ValueError) as error:
            raise EngineRefusedError(str(error)) from error
        if not any(each and each.text for recorded in self._responses.values() for each in recorded):
            raise EngineRefusedError(f"{self._config.path} has no response in {', '.join(self._config.responses)}")

    def _add(self, path: Path, rows: list[Row]) -> None:
        questions = [self._question(path, row) for row in rows]
        ids = problem_ids(pl.Series(map(valid_unicode, questions), dtype=pl.String))
        for row, question, problem in zip(rows, questions, ids, strict=True):
            recorded = self._by_text[question] = self._responses.setdefault(problem, [])
            texts = self._texts(path, row, self._config.responses)
            named = self._config.finish_reasons
            ended = self._texts(path, row, named) if named else [None] * len(texts)
            if len(ended) != len(texts):
                raise EngineRefusedError(
                    f"{_place(path, row)}: {len(texts)} responses and {len(ended)} finish reasons; name a column of "
                    "finish_reasons for each of responses"
                )
            recorded.extend(
                None if text is None else _Recorded(valid_unicode(text), _reason(path, row, said))
                for text, said in zip(texts, ended, strict=True)
            )

    def _texts(self, path: Path, row: Row, columns: list[str]) -> list[str | None]:
        """What the columns hold, one after another."""
        every: list[str | None] = []
        for column in columns:
            found = lookup(row.values or {}, column)
            texts = [found] if isinstance(found, str) else found or []
            if not isinstance(texts, list) or not all(isinstance(text, str | None) for text in texts):
                raise EngineRefusedError(
                    f"{_place(path, row)}: column {column!r} holds neither a text nor a list of texts"
                )
            every.extend(texts)
        return every

    def _question(self, path: Path, row: Row) -> str:
        question = None if row.values is None else lookup(row.values, self._config.question)
        if not isinstance(question, str):
            reason = row.error or f"no text in column {self._config.question!r}"
            raise EngineRefusedError(f"{_place(path, row)}: {reason}")
        return question

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way, of `max_in_flight`."""
        return self._slots

    async def generate(self, request: GenerationRequest) -> Completion:
        """The recorded response with the request's index; raises `EngineError` where there is none."""
        recorded = self._by_text.get(request.question)
        if recorded is None:
            recorded = self._responses.get(problem_id(request.question), [])
        found = recorded[request.index] if request.index < len(recorded) else None
        if found is None:
            raise EngineError(
                f"{len(recorded)} responses are recorded for this question, none with index {request.index}",
                permanent=True,
            )
        return Completion(
            text=found.text,
            finish_reason=found.ended,
            prompt_tokens=sum(self._length(message.content) for message in request.messages),
            completion_tokens=self._length(found.text),
        )

    def count_tokens(self, text: str) -> int:
        """Length of a text, as lengths are counted here; once the engine runs."""
        return self._length(text)

    async def close(self) -> None:
        """Nothing to free."""


def _place(path: Path, row: Row) -> str:
    return f"{path.name}, row {row.number}"


def _reason(path: Path, row: Row, said: str | None) -> FinishReason:
    known = (said or "stop").lower()
    if known not in CUT | ENDED:
        raise EngineRefusedError(
            f"{_place(path, row)}: the finish reason {said!r} is known neither as an end, such as 'stop', nor as a "
            "limit, such as 'length'"
        )
    return FinishReason.LENGTH if known in CUT else FinishReason.STOP
