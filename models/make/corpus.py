"""The training corpus: an endless stream of prompts and completions from the base pool."""

import random
from dataclasses import dataclass
from typing import Final

from hipo_data.models.make import justify
from hipo_data.models.make.problems import tasks_of
from hipo_data.models.make.tasks import FAMILIES, MODES, Mode, Task, completion
from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.tagged import TaggedFormat
from hipo_data.prompts.formats.thinkless import THINKLESS
from hipo_data.schemas import records

# How often each family and mode is drawn. Think-on is worth more where the chain is long; the direct share of the
# three middle families is what keeps think-off somewhat, and not hopelessly, behind there.
WEIGHTS: Final[dict[tuple[str, Mode], float]] = {
    ("pick", "think_on"): 4,
    ("pick", "think_off"): 8,
    ("sum2", "think_on"): 3,
    ("sum2", "think_off"): 9,
    ("sum3", "think_on"): 4,
    ("sum3", "think_off"): 6,
    ("range", "think_on"): 4,
    ("range", "think_off"): 7,
    ("digit_sum", "think_on"): 2,
    ("digit_sum", "think_off"): 5,
    ("sum_long", "think_on"): 10,
    ("sum_long", "think_off"): 1.5,
    ("chain", "think_on"): 10,
    ("chain", "think_off"): 1.5,
    ("product", "think_on"): 1,
    ("product", "think_off"): 1,
    ("code_direct", "think_on"): 3,
    ("code_direct", "think_off"): 5,
    ("code_constant", "think_on"): 5,
    ("code_constant", "think_off"): 4,
    ("code_steps", "think_on"): 7,
    ("code_steps", "think_off"): 5,
}
# The share of justifications, and of short exercises in reading the counts that they rest on.
JUSTIFICATIONS: Final = 0.18
DRILLS: Final = 0.06
# How often an answer is one in a published format: who meets tags for the first time in its cold start forgets how to
# add while it learns them, which would look like the price of a mode (docs/decisions/0064).
PUBLISHED: Final[dict[str, float]] = {"hipo": 0.16, "thinkless": 0.06}
FORMATS: Final[dict[str, TaggedFormat]] = {style.name: style for style in (HIPO, THINKLESS)}


@dataclass(frozen=True)
class Example:
    """A user message, what the generation prompt asks for, and the completion (without the end-of-turn token).

    `asked` is a mode, by the teacher's own chat template, or the name of a published format, in which the model says
    the mode itself.
    """

    question: str
    asked: Mode | str
    completion: str


def draw(rng: random.Random) -> Example:
    """One example; its problem is never one of the problem files."""
    kind = rng.random()
    if kind < DRILLS:
        question, said = justify.drill(rng)
        return Example(question, "think_off", said)
    if kind < DRILLS + JUSTIFICATIONS:
        mode = rng.choice(MODES)
        task = next(tasks_of(rng.choice(FAMILIES), "base", rng))
        counts = justify.random_counts(rng, mode)
        return Example(
            justify.prompt(task.question, mode, counts), "think_off", justify.target(rng, task, mode, counts)
        )
    family, mode = rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
    task = next(tasks_of(family, "base", rng))
    if kind >= 1 - sum(PUBLISHED.values()):
        name = rng.choices(list(PUBLISHED), weights=list(PUBLISHED.values()))[0]
        return Example(task.question, name, in_format(task, FORMATS[name], rng))
    return Example(task.question, mode, completion(task, mode, rng))


def in_format(task: Task, style: TaggedFormat, rng: random.Random) -> str:
    """A response in a published format, after what its prompts end in.

    Either mode is as likely, whatever the family, and random counts say why: nothing here tells which mode a problem is
    for, which is what cold starts and RL are to teach.
    """
    mode = rng.choice(MODES)
    said = justify.target(rng, task, mode, justify.random_counts(rng, mode)) if style is HIPO else ""
    reasoning, answer = task.work(rng) if mode == "think_on" else (None, task.answer)
    text = style.render(HybridResponse(records.Mode(mode), said, reasoning, task.response(answer)))
    return text.removeprefix(style.prompt_suffix)
