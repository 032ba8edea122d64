"""A small HTTP server on this machine that speaks the OpenAI chat protocol and knows how to add."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.chat_server import Body, chat_server

_requests: list[float] = []


def count_requests() -> int:
    """Requests for a response so far, of all servers of this process."""
    return len(_requests)


def _reply(body: Body) -> str:
    """Sums right with thinking, one off without; a sentence when asked to justify."""
    question = body["messages"][-1]["content"]
    if "attempts" in question:
        return "Two numbers of this size carry from column to column, so working through the columns first is safer."
    total = sum(int(word) for word in re.findall(r"\d+", question))
    if body["chat_template_kwargs"]["enable_thinking"]:
        return f"<think>\ncolumn by column\n</think>\n\n\\boxed{{{total}}}"
    return f"\\boxed{{{total + 1}}}"


@contextmanager
def teacher_endpoint(delay_s: float = 0.0) -> Iterator[str]:
    """Its base URL, while the context lasts. Each answer takes it `delay_s`."""

    def reply(body: Body) -> Body:
        _requests.append(time.monotonic())
        text = _reply(body)
        time.sleep(delay_s)
        words = len(text.split())
        message = {"role": "assistant", "content": text}
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 9, "completion_tokens": words, "total_tokens": 9 + words},
        }

    with chat_server(["Qwen/Qwen3-8B"], reply) as url:
        yield url
