"""A server on this machine that speaks the OpenAI chat protocol, knows how to add, and keeps what it is asked."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.chat_server import Body, chat_server

Message = dict[str, str]
Thinks = Callable[[Body], bool]


def inline(reasoning: str, answer: str) -> Message:
    """A message of a server that parses no reasoning."""
    return {"content": f"<think>\n{reasoning}\n</think>\n\n{answer}"}


def begun(reasoning: str, answer: str) -> Message:
    """The same where the chat template has opened the reasoning."""
    return {"content": f"{reasoning}\n</think>\n\n{answer}"}


def apart(name: str) -> Callable[[str, str], Message]:
    """A message of a server that returns the reasoning in a field of its own."""
    return lambda reasoning, answer: {"content": answer, name: reasoning}


@dataclass
class RecordingTeacher:
    """Sums are right with thinking and one off without."""

    models: list[str]
    thinks: Thinks
    message: Callable[[str, str], Message]
    url: str = ""
    bodies: list[Body] = field(default_factory=list)

    def answer(self, body: Body) -> Message:
        """The message that a request is answered with."""
        self.bodies.append(body)
        question = body["messages"][-1]["content"]
        if "attempts" in question:
            return {"content": "Two numbers of this size carry from column to column, so a careful pass is safer."}
        total = sum(int(word) for word in re.findall(r"\d+", question))
        if self.thinks(body):
            return self.message("column by column", f"\\boxed{{{total}}}")
        return {"content": f"\\boxed{{{total + 1}}}"}


@contextmanager
def recording_teacher(models: list[str], thinks: Thinks, message: Callable[[str, str], Message]) -> Iterator[Any]:
    """Serves `models`, and thinks where `thinks` says so of a request, while the context lasts."""
    teacher = RecordingTeacher(models, thinks, message)

    def reply(body: Body) -> Body:
        message = {"role": "assistant", **teacher.answer(body)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
        return {"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}

    with chat_server(models, reply) as teacher.url:
        yield teacher
