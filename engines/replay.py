"""Responses recorded elsewhere, served by question and index."""

from engines.base import Completion, EngineError, EngineRefusedError, GenerationRequest
from schemas.config import ReplayEngine
from schemas.keys import problem_id
from schemas.records import FinishReason
from schemas.tables import lookup, read_rows, source_files


class Replay:
    """An engine over a file of responses. Lengths are counted in words, since the model's tokenizer is not known."""

    def __init__(self, config: ReplayEngine) -> None:
        self._config = config
        self._responses: dict[str, list[str]] = {}

    async def start(self) -> None:
        """Reads the file. Raises `EngineRefusedError` where it cannot be read or holds no response."""
        try:
            files = source_files(self._config.path)
        except FileNotFoundError as error:
            raise EngineRefusedError(str(error)) from error
        for path in files:
            for row in read_rows(path):
                question = None if row.values is None else lookup(row.values, self._config.question)
                if row.values is None or not isinstance(question, str):
                    raise EngineRefusedError(
                        f"{path.name}, row {row.number}: {row.error or f'no text in column {self._config.question!r}'}"
                    )
                recorded = self._responses.setdefault(problem_id(question), [])
                for column in self._config.responses:
                    found = lookup(row.values, column)
                    recorded.extend([found] if isinstance(found, str) else found or [])
        if not any(self._responses.values()):
            raise EngineRefusedError(f"{self._config.path} has no response in {', '.join(self._config.responses)}")

    async def generate(self, request: GenerationRequest) -> Completion:
        """The recorded response with the request's index; raises `EngineError` where there is none."""
        recorded = self._responses.get(problem_id(request.question), [])
        if request.index >= len(recorded):
            raise EngineError(
                f"{len(recorded)} responses are recorded for this question, none with index {request.index}"
            )
        text = recorded[request.index]
        return Completion(
            text=text,
            finish_reason=FinishReason.STOP,
            prompt_tokens=sum(len(message.content.split()) for message in request.messages),
            completion_tokens=len(text.split()),
        )

    async def close(self) -> None:
        """Nothing to free."""
