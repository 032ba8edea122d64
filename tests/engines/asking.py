"""Requests to the embedded teacher in either mode."""

import asyncio
from typing import Any

from hipo_data.engines.base import Completion, Generates, GenerationRequest
from hipo_data.schemas.config import SamplingConfig
from hipo_data.schemas.records import Message

ON, OFF = {"enable_thinking": True}, {"enable_thinking": False}


def request(
    question: str = "Compute 12 + 34.",
    seed: int = 1,
    max_tokens: int = 200,
    extra: dict[str, Any] | None = None,
    **changes: Any,
) -> GenerationRequest:
    return GenerationRequest(
        messages=(Message(role="user", content=question),),
        sampling=SamplingConfig(temperature=1.0, top_p=0.95, max_tokens=max_tokens, extra=extra or {}),
        seed=seed,
        question=question,
        index=0,
        **{"chat_template_kwargs": ON, **changes},
    )


async def many(engine: Generates, count: int, **changes: Any) -> list[Completion]:
    """A response for each seed below `count`."""
    return await asyncio.gather(*(engine.generate(request(seed=seed, **changes)) for seed in range(count)))
