"""An engine as the stages that generate text use it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from engines.base import Generates
from schemas.records import Record

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
    slots: asyncio.Semaphore
    """Requests that may be under way at once, shared by all shards of one engine."""
    on_start: Callable[[], None]
    """Called as a request goes to the engine."""
    on_finish: Callable[[R], None]
    """Called with each new record as it finishes."""
