"""The training corpus: an endless stream of prompts and completions from the base pool."""

import random
from dataclasses import dataclass
from typing import Final

from hipo_data.models.make import justify
from hipo_data.models.make.problems import tasks_of
from hipo_data.models.make.tasks import FAMILIES, MODES, Mode, completion

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
JUSTIFICATIONS: Final = 0.2
DRILLS: Final = 0.08


@dataclass(frozen=True)
class Example:
    """A user message, the mode of the generation prompt, and the completion (without the end-of-turn token)."""

    question: str
    mode: Mode
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
    return Example(task.question, mode, completion(task, mode, rng))
