"""Responses recorded elsewhere, served by question and index."""

import asyncio
import re
from contextlib import AbstractAsyncContextManager
from itertools import islice
from pathlib import Path

import polars as pl

from hipo_data.engines.base import Completion, EngineError, GenerationRequest
from hipo_data.schemas.config import ReplayEngine
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.keys import problem_id, problem_ids
from hipo_data.schemas.records import FinishReason
from hipo_data.schemas.tables import Row, lookup, read_rows, source_files
from hipo_data.schemas.text import valid_unicode

_PART = 10_000
"""Rows whose ids are made together."""


class Replay:
    """An engine over a file of responses. Lengths are counted in words, since the model's tokenizer is not known."""

    def __init__(self, config: ReplayEngine) -> None:
        self._config = config
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._responses: dict[str, list[str | None]] = {}
        self._by_text: dict[str, list[str | None]] = {}
        """The same lists by the question as it was written: most are asked for so, and ids take far longer to make."""

    async def start(self) -> None:
        """Reads the files. Raises `EngineRefusedError` where one cannot be read or none holds a response."""
        try:
            for path in source_files(self._config.path):
                rows = read_rows(path)
                while part := list(islice(rows, _PART)):
                    self._add(path, part)
        except (FileNotFoundError, ValueError) as error:
            raise EngineRefusedError(str(error)) from error
        if not any(text for recorded in self._responses.values() for text in recorded):
            raise EngineRefusedError(f"{self._config.path} has no response in {', '.join(self._config.responses)}")

    def _add(self, path: Path, rows: list[Row]) -> None:
        questions = [self._question(path, row) for row in rows]
        ids = problem_ids(pl.Series(map(valid_unicode, questions), dtype=pl.String))
        for row, question, problem in zip(rows, questions, ids, strict=True):
            recorded = self._by_text[question] = self._responses.setdefault(problem, [])
            for column in self._config.responses:
                found = lookup(row.values or {}, column)
                texts = [found] if isinstance(found, str) else found or []
                if not isinstance(texts, list) or not all(isinstance(text, str | None) for text in texts):
                    raise EngineRefusedError(
                        f"{_place(path, row)}: column {column!r} holds neither a text nor a list of texts"
                    )
                recorded.extend(texts)

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
        text = recorded[request.index] if request.index < len(recorded) else None
        if text is None:
            raise EngineError(
                f"{len(recorded)} responses are recorded for this question, none with index {request.index}",
                permanent=True,
            )
        words, limit = self.count_tokens(text), request.sampling.max_tokens
        return Completion(
            text=text if words <= limit else _first_words(text, limit),
            finish_reason=FinishReason.STOP if words <= limit else FinishReason.LENGTH,
            prompt_tokens=sum(len(message.content.split()) for message in request.messages),
            completion_tokens=min(words, limit),
        )

    def count_tokens(self, text: str) -> int:
        """Words of a text, as lengths are counted here."""
        return len(text.split())

    async def close(self) -> None:
        """Nothing to free."""


def _place(path: Path, row: Row) -> str:
    return f"{path.name}, row {row.number}"


def _first_words(text: str, count: int) -> str:
    return text[: next(islice(re.finditer(r"\S+", text), count - 1, None)).end()]
