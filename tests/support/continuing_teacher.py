"""A server on this machine that speaks the OpenAI chat protocol and goes on with an assistant's turn, as vLLM's does.

Its tokens are words with the white space in front of them. What it writes is a function of the question and the text so
far, so that a test says what its model thinks.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.chat_server import Body, chat_server

Writes = Callable[[str, str, Body], str]
"""All that the model would write, by the question, the text so far, and the request."""

_TURN = 5
"""Tokens with which a chat template begins a turn of its own."""


def tokens(text: str) -> list[str]:
    """Words with the white space in front of them; white space at the end is one of its own."""
    return re.findall(r"\s*\S+|\s+$", text)


@dataclass
class Teacher:
    """Where it is, and what it was asked."""

    url: str
    bodies: list[Body] = field(default_factory=list)

    @property
    def prefixes(self) -> list[str | None]:
        """What each response was to go on with; null where there was nothing."""
        last = [body["messages"][-1] for body in self.bodies]
        return [turn["content"] if turn["role"] == "assistant" else None for turn in last]


@contextmanager
def continuing_teacher(writes: Writes, *, continues: bool = True, block: int = 0) -> Iterator[Teacher]:
    """A server, while the context lasts.

    Args:
        writes: what it answers.
        continues: whether it goes on with a turn; otherwise it begins another one, as servers do that do not know how.
        block: tokens that its chat template puts before a turn that is continued.
    """
    teacher = Teacher("")

    def reply(body: Body) -> Body:
        teacher.bodies.append(body)
        turns = body["messages"]
        prefix = turns[-1]["content"] if turns[-1]["role"] == "assistant" else ""
        question = next(turn["content"] for turn in turns if turn["role"] == "user")
        if prefix:
            assert body["continue_final_message"] is True and body["add_generation_prompt"] is False
        written = tokens(writes(question, prefix if continues else "", body))
        kept = written[: body["max_tokens"]]
        prompt = sum(len(tokens(turn["content"])) for turn in turns) + (0 if continues or not prefix else _TURN)
        prompt += block if prefix else 0
        ended = "stop" if len(kept) == len(written) else "length"
        message = {"role": "assistant", "content": "".join(kept)}
        return {
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": ended, "message": message}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": len(kept)},
        }

    with chat_server(["teacher"], reply) as teacher.url:
        yield teacher
