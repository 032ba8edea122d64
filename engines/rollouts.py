"""No engine at all: the rollouts came with the sources, and this counts their tokens."""

import asyncio
from contextlib import AbstractAsyncContextManager

from hipo_data.engines.base import Completion, GenerationRequest
from hipo_data.engines.text_length import TextLength, text_length
from hipo_data.schemas.config import RolloutsEngine
from hipo_data.schemas.errors import EngineRefusedError


class Rollouts:
    """An engine that answers nothing. Lengths are tokens of the config's tokenizer, without one characters."""

    whole = True

    def __init__(self, config: RolloutsEngine) -> None:
        self._config = config
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._length: TextLength = len

    async def start(self) -> None:
        """Loads the tokenizer. Raises `EngineRefusedError` where it cannot be had."""
        self._length = await asyncio.to_thread(text_length, self._config.tokenizer)

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way, of `max_in_flight`."""
        return self._slots

    async def generate(self, request: GenerationRequest) -> Completion:
        """Raises `EngineRefusedError`: there is nothing to ask."""
        raise EngineRefusedError(
            "an engine of type rollouts writes nothing; name another one for roles.justifier, or set publish.format to "
            "one without justifications, such as qwen3"
        )

    def count_tokens(self, text: str) -> int:
        """Length of a text, as lengths are counted here; once the engine runs."""
        return self._length(text)

    async def close(self) -> None:
        """Nothing to free."""
