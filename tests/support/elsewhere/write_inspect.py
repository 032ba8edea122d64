"""Run with inspect_ai: an evaluation of the sums with a mock model, its log written as `.eval` or `.json` to argv[1].

With `--raise` a failed request stops its sample, whose log then holds a traceback.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from inspect_ai import Epochs, Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import match
from inspect_ai.solver import generate, system_message
from sums import MODEL, SUMS, Response, responses

asked: dict[str, int] = {}


def answer(messages, tools, tool_choice, config):
    question = next(message.text for message in messages if message.role == "user")
    place = [each for each, _ in SUMS].index(question)
    number = asked[question] = asked.get(question, -1) + 1
    return output(responses(place)[number])


def output(given: Response) -> ModelOutput:
    usage = ModelUsage(input_tokens=5, output_tokens=7, total_tokens=12)  # else it fetches a tokenizer to count them
    if given.ended == "error":
        if "--raise" in sys.argv:
            raise RuntimeError("the server hung up")
        empty = ChatCompletionChoice(message=ChatMessageAssistant(content="", model=MODEL), stop_reason="unknown")
        return ModelOutput(model=MODEL, choices=[empty], error="the server hung up", usage=usage)
    content = [ContentText(text=given.answer)]
    if given.reasoning:
        content.insert(0, ContentReasoning(reasoning=given.reasoning))
    reason = "max_tokens" if given.ended == "length" else "stop"
    message = ChatMessageAssistant(content=content, model=MODEL, source="generate")
    return ModelOutput(model=MODEL, choices=[ChatCompletionChoice(message=message, stop_reason=reason)], usage=usage)


target = Path(sys.argv[1])
dataset = [Sample(id=f"sum-{place}", input=question, target=gold) for place, (question, gold) in enumerate(SUMS)]
task = Task(
    dataset=dataset,
    name="sums",
    solver=[system_message("Add up."), generate()],
    scorer=match(location="any", numeric=True),
    epochs=Epochs(4, "mean"),
    metadata={"toy": True},
)
with TemporaryDirectory() as folder:
    eval(
        task,
        model=get_model("mockllm/model", custom_outputs=answer),
        log_dir=folder,
        log_format=target.suffix[1:],
        display="none",
        fail_on_error=False,
        max_samples=1,
        max_connections=1,
    )
    (written,) = Path(folder).glob(f"*{target.suffix}")
    target.write_bytes(written.read_bytes())
