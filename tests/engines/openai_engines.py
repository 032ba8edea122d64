"""What tests of the OpenAI engine have in common; their fixtures are in conftest.py."""

import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from hipo_data.engines.base import GenerationRequest
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.schemas.config import SamplingConfig
from hipo_data.schemas.records import Message

KEY = "sk-very-secret-0123456789"
Starts = Callable[..., Awaitable[OpenAIEndpoint]]


def request(text: str = "2+2?", **changes: Any) -> GenerationRequest:
    sampling = SamplingConfig(temperature=0.5, top_p=0.9, max_tokens=32, extra=changes.pop("extra", {}))
    return GenerationRequest(
        messages=(Message(role="system", content="Be brief."), Message(role="user", content=text)),
        sampling=sampling,
        seed=2**31 - 1,
        question=text,
        index=0,
        **changes,
    )


def everything_said(error: BaseException) -> str:
    """All that a log or a traceback could show of an error and of the errors behind it."""
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        found = found.__cause__ or found.__context__
    texts = [f"{link} {link!r} {link.args} {vars(link)}" for link in chain]
    return "\n".join([*texts, *traceback.format_exception(error)])
