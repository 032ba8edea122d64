"""Does a server begin its replies with the prefix that they continue? llama.cpp's does, vLLM's does not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from hipo_data.engines.base import GenerationRequest
from hipo_data.engines.reply_shape import Message, shaped

_TELLING = "Reply 7391:"
"""No model writes this in the one token that it is given."""
_BY_CHANCE = 2
"""Characters that a model may well repeat by itself."""


def tells_by_itself(prefix: str) -> bool:
    """Whether a reply that begins with `prefix` repeats it, and does not begin with the same by chance."""
    return not prefix.strip() or len(prefix.rstrip()) > _BY_CHANCE


class PrefixEcho:
    """What is known of one server. It is asked once, when a prefix is too short to tell; all who ask meanwhile wait for
    the same answer, and share its failure."""

    def __init__(self) -> None:
        self._asked: asyncio.Task[bool] | None = None

    async def repeats(self, request: GenerationRequest, post: Callable[[GenerationRequest], Awaitable[Any]]) -> bool:
        """Whether replies to requests as `request` begin with their prefix. Raises `EndpointFailure`.

        Args:
            request: with a prefix that does not tell by itself.
            post: sends a request; the reply.
        """
        if self._asked is None or (self._asked.done() and (self._asked.cancelled() or self._asked.exception())):
            self._asked = asyncio.create_task(_ask(request, post))
        return await asyncio.shield(self._asked)


async def _ask(request: GenerationRequest, post: Callable[[GenerationRequest], Awaitable[Any]]) -> bool:
    sampling = request.sampling.model_copy(update={"max_tokens": 1})
    reply = shaped(await post(replace(request, response_prefix=_TELLING, sampling=sampling)))
    message = reply.choices[0].message or Message()
    # Where the prompt has opened the reasoning, a server's parser has put the prefix there.
    written = (message.content, message.reasoning, message.reasoning_content)
    return any(isinstance(text, str) and text.lstrip().startswith(_TELLING) for text in written)
