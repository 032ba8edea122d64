"""Responses recorded elsewhere, served by question and index."""

import asyncio
import re
from contextlib import AbstractAsyncContextManager
from itertools import islice

from engines.base import Completion, EngineError, EngineRefusedError, GenerationRequest
from schemas.config import ReplayEngine
from schemas.keys import problem_id
from schemas.records import FinishReason
from schemas.tables import Row, lookup, read_rows, source_files


class Replay:
    """An engine over a file of responses. Lengths are counted in words, since the model's tokenizer is not known."""

    def __init__(self, config: ReplayEngine) -> None:
        self._config = config
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._responses: dict[str, list[str | None]] = {}

    async def start(self) -> None:
        """Reads the files. Raises `EngineRefusedError` where one cannot be read or none holds a response."""
        try:
            for path in source_files(self._config.path):
                for row in read_rows(path):
                    self._add(path.name, row)
        except (FileNotFoundError, ValueError) as error:
            raise EngineRefusedError(str(error)) from error
        if not any(text for recorded in self._responses.values() for text in recorded):
            raise EngineRefusedError(f"{self._config.path} has no response in {', '.join(self._config.responses)}")

    def _add(self, file: str, row: Row) -> None:
        place = f"{file}, row {row.number}"
        question = None if row.values is None else lookup(row.values, self._config.question)
        if row.values is None or not isinstance(question, str):
            raise EngineRefusedError(f"{place}: {row.error or f'no text in column {self._config.question!r}'}")
        recorded = self._responses.setdefault(problem_id(question), [])
        for column in self._config.responses:
            found = lookup(row.values, column)
            texts = [found] if isinstance(found, str) else found or []
            if not isinstance(texts, list) or not all(isinstance(text, str | None) for text in texts):
                raise EngineRefusedError(f"{place}: column {column!r} holds neither a text nor a list of texts")
            recorded.extend(texts)

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way, of `max_in_flight`."""
        return self._slots

    async def generate(self, request: GenerationRequest) -> Completion:
        """The recorded response with the request's index; raises `EngineError` where there is none."""
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


def _first_words(text: str, count: int) -> str:
    return text[: next(islice(re.finditer(r"\S+", text), count - 1, None)).end()]
