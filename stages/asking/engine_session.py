"""An engine as the stages that generate text use it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from hipo_data.engines.base import Completion, Generates, GenerationRequest
from hipo_data.schemas.records import Record
from hipo_data.schemas.text import valid_unicode

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, kw_only=True)
class EngineSession(Generic[R]):
    """The use of an engine for one node; each request brings a record `R`."""

    engine: Generates
    model: str
    """Name written into the records."""
    identity: str
    """Digest of the model's weights and tokenizer."""
    run_seed: int
    whole: bool = False
    """Whether responses are as they are whatever the limit on tokens, as recorded ones."""
    reopens: bool | None = None
    """As `engines.base.ContinuesTurns` has it; null where the engine cannot go on with a response."""
    slot: Callable[[str], AbstractAsyncContextManager[None]]
    """Leave to have one request of a prompt under way, which all shards of one engine share. May raise `EngineError`,
    where the prompt is known to bring the engine down."""
    on_start: Callable[[], None]
    """Called as a request goes to the engine."""
    on_finish: Callable[[R], None]
    """Called with each new record as it finishes."""

    async def generate(self, prompt: str, request: GenerationRequest, *, further: bool = False) -> Completion:
        """One response to the prompt of that name, once there is a slot.

        `further`: for a record that a request was already made for.

        Without the lone surrogates that endpoints can send as JSON escapes: Parquet takes none.
        """
        async with self.slot(prompt):
            if not further:
                self.on_start()
            completion = await self.engine.generate(request)
        reasoning = None if completion.reasoning is None else valid_unicode(completion.reasoning)
        return replace(completion, text=valid_unicode(completion.text), reasoning=reasoning)
