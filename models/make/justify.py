"""How the targets are made from which the model learns to justify a mode.

A justification is one or two sentences: what the problem asks for, what the counts in the prompt say, and the mode
that follows. It is put together from what the justification prompt shows, in many wordings; it never holds a digit,
so it cannot hold the answer.
"""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import jinja2

from hipo_data.models.make.tasks import NUMBER_WORDS, Mode, Task

TEMPLATE: Final = Path(__file__).parents[2] / "prompts" / "templates" / "justify_compact.j2"
MIN_CHARACTERS: Final = 60
MAX_CHARACTERS: Final = 220
# How many samples a mode has, and how often that is shown.
SAMPLES: Final = {2: 0.1, 4: 0.2, 8: 0.5, 16: 0.2}

Level = Literal["always", "mostly", "sometimes", "rarely", "never"]
Gain = Literal["large", "clear", "little", "worse"]


@dataclass(frozen=True)
class Counts:
    """Right answers and samples of each mode; `n_on` is 0 where think-on was not sampled."""

    right_on: int
    n_on: int
    right_off: int
    n_off: int

    @property
    def level(self) -> Level:
        """How often a direct answer is right, in words."""
        rate = self.right_off / self.n_off
        if rate in (0.0, 1.0):
            return "always" if rate else "never"
        return "mostly" if rate >= 0.7 else "rarely" if rate <= 0.3 else "sometimes"

    @property
    def gain(self) -> Gain | None:
        """How much thinking adds to the pass rate, in words; None where it was not sampled."""
        if not self.n_on:
            return None
        gain = self.right_on / self.n_on - self.right_off / self.n_off
        return "worse" if gain <= -0.15 else "little" if gain < 0.15 else "clear" if gain < 0.5 else "large"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def prompt(question: str, mode: Mode, counts: Counts) -> str:
    """The justification prompt, rendered from the template that the pipeline uses."""
    return _template().render(
        question=question,
        mode=mode,
        right_on=counts.right_on,
        n_on=counts.n_on,
        right_off=counts.right_off,
        n_off=counts.n_off,
    )


# Every phrase is a clause without its full stop; {n} is the number word of the task's count.
NATURE: Final[dict[str, tuple[str, ...]]] = {
    "pick": (
        "this only asks for the {op} of {n} numbers",
        "finding the {op} of {n} numbers is a matter of reading",
        "the {op} number can be read off the list",
        "there is nothing to compute here, only the {op} of {n} numbers to find",
        "the question wants the {op} number of a short list",
    ),
    "sum2": (
        "this adds two numbers",
        "only two numbers are added here",
        "a single addition of two numbers is all this takes",
        "the sum has just two terms",
        "there is one addition to do, with at most one carry",
    ),
    "sum3": (
        "this adds three numbers",
        "three numbers are added here, so one partial sum has to be kept in mind",
        "the sum has three terms and a carry may come twice",
        "adding three numbers means two additions in a row",
        "three terms make this a short sum, but not a single step",
    ),
    "range": (
        "this needs the largest and the smallest of {n} numbers and then their difference",
        "two searches through {n} numbers and a subtraction are hidden in this question",
        "the range of {n} numbers mixes a search with a subtraction",
        "the largest and the smallest must be found before they can be subtracted",
    ),
    "digit_sum": (
        "this adds the digits of one number",
        "the digits of a single number are to be added",
        "adding up {n} digits is a small sum",
        "a sum of {n} digits is short, whichever way it is done",
    ),
    "sum_long": (
        "this adds {n} numbers, so partial sums have to be carried along",
        "{n} numbers are added here and every carry counts",
        "the sum has {n} terms",
        "with {n} terms there are many partial sums to keep in mind",
        "adding {n} numbers takes many small steps",
    ),
    "chain": (
        "this adds and subtracts {n} numbers in a row",
        "{n} numbers are chained with plus and minus",
        "a chain of {n} numbers with mixed signs invites slips",
        "each of the {n} numbers changes the running total",
        "additions and subtractions of {n} numbers follow one another here",
    ),
    "product": (
        "this multiplies two numbers of {n} digits each",
        "a product of two {n}-digit numbers has many partial products",
        "multiplying two {n}-digit numbers is heavy work",
        "the product of two {n}-digit numbers is long",
    ),
    "code_direct": (
        "the function needs a single {op}",
        "one {op} is the whole function",
        "the body of this function is just one {op}",
        "a one-line function with a {op} is asked for",
        "the description names the {op} outright",
    ),
    "code_constant": (
        "the constant in this function is made of {n} numbers",
        "{n} numbers have to be worked into one before the function can be written",
        "the code is one line, but its constant hides a chain of {n} numbers",
        "writing this function means adding and subtracting {n} numbers first",
    ),
    "code_steps": (
        "the function folds {n} steps into one expression",
        "{n} steps have to be merged into a single expression",
        "each of the {n} steps changes both parts of the expression",
        "the description lists {n} steps that must be expanded and collected",
    ),
}
EASY: Final = ("pick", "sum2", "digit_sum", "code_direct")
OPERATIONS: Final = {"join": "join of two strings", "sum": "list sum", "loop": "loop over the list"}

DIRECT: Final[dict[Level, tuple[str, ...]]] = {
    "always": (
        "answering at once is always right",
        "direct answers never fail",
        "every direct try was right",
        "a direct answer gets it each time",
    ),
    "mostly": (
        "answering at once is mostly right",
        "direct answers usually hold",
        "most direct tries were right",
        "a direct answer gets it more often than not",
    ),
    "sometimes": (
        "answering at once is right only some of the time",
        "direct answers are hit and miss",
        "some direct tries were right and some wrong",
        "a direct answer works about half the time",
    ),
    "rarely": (
        "answering at once rarely gets it right",
        "direct answers seldom hold",
        "few direct tries were right",
        "a direct answer is mostly a guess",
    ),
    "never": (
        "answering at once never gets it right",
        "direct answers always fail",
        "no direct try was right",
        "a direct answer has no chance",
    ),
}
ADDED: Final[dict[Gain, tuple[str, ...]]] = {
    "large": (
        "thinking helps a great deal",
        "working it out makes all the difference",
        "reasoning lifts the rate by a lot",
        "with reasoning it works far more often",
    ),
    "clear": (
        "thinking helps",
        "working it out is clearly better",
        "reasoning catches some of the slips",
        "with reasoning it works more often",
    ),
    "little": (
        "thinking adds next to nothing",
        "working it out changes little",
        "reasoning brings no real gain",
        "with reasoning it works about as often",
    ),
    "worse": (
        "thinking does worse",
        "working it out only brings more slips",
        "reasoning lowers the rate",
        "with reasoning it works less often",
    ),
}
DECISION: Final[dict[Mode, tuple[str, ...]]] = {
    "think_on": (
        "I will think it through first",
        "I will work through it step by step",
        "thinking first is the better way",
        "it is worth reasoning before the answer",
        "I should reason step by step",
        "a careful pass comes first",
    ),
    "think_off": (
        "I will answer at once",
        "I will answer directly",
        "a direct answer is the better way",
        "there is no need to think it through",
        "I can skip the reasoning",
        "a short answer will do",
    ),
}


CONNECTIVES: Final = "so since still even although yet but and"


def wordings() -> list[str]:
    """Every phrase that a target can be put together from, number words and names of operations included."""
    groups = (*NATURE.values(), *DIRECT.values(), *ADDED.values(), *DECISION.values(), NUMBER_WORDS)
    named = "largest smallest first last addition subtraction multiplication division remainder repetition slice append"
    phrases = [phrase.replace("{n}", "").replace("{op}", "") for group in groups for phrase in group]
    return [*phrases, *OPERATIONS.values(), *(f"{word}-digit" for word in NUMBER_WORDS), named, CONNECTIVES]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _favours(counts: Counts) -> Mode:
    """The mode that the counts speak for: by the gain, or by the direct answers alone where that is all there is."""
    if counts.gain is None:
        return "think_on" if counts.level in ("rarely", "never") else "think_off"
    return "think_on" if counts.gain in ("large", "clear") else "think_off"


def _evidence(rng: random.Random, counts: Counts) -> str:
    """What the counts say, in a clause that by itself speaks for the mode that they favour."""
    direct = rng.choice(DIRECT[counts.level])
    if counts.gain is None:
        return direct
    added = rng.choice(ADDED[counts.gain])
    on_side = counts.level in (("sometimes", "rarely", "never") if _favours(counts) == "think_on" else ())
    off_side = counts.level in (("always", "mostly") if _favours(counts) == "think_off" else ())
    shape = rng.random()
    if shape < 0.25 and (on_side or off_side):
        return direct
    if shape < 0.45:
        return added
    joints = (" and ", ", and ") if on_side or off_side else (", but ", ", yet ")
    return direct + rng.choice(joints) + added


def target(rng: random.Random, task: Task, mode: Mode, counts: Counts) -> str:
    """One justification of `mode` for a task: 60 to 220 characters, no digits, no tags."""
    while True:
        text = _compose(rng, task, mode, counts)
        if MIN_CHARACTERS <= len(text) <= MAX_CHARACTERS:
            return text


def _compose(rng: random.Random, task: Task, mode: Mode, counts: Counts) -> str:
    operation = OPERATIONS.get(task.operation, task.operation)
    nature = rng.choice(NATURE[task.family]).format(n=NUMBER_WORDS[task.count], op=operation)
    decision = rng.choice(DECISION[mode])
    evidence = _evidence(rng, counts)
    # The problem's nature may only be given as the reason where it does speak for the mode.
    natural = mode == ("think_off" if task.family in EASY else "think_on")
    if natural and rng.random() < 0.15:
        clear = nature if "," in nature else f"{nature}, so {decision}"
        return _sentence(clear) + (f" {_sentence(decision)}" if clear == nature else "")
    shapes: tuple[str, ...]
    if _favours(counts) == mode:
        shapes = (
            f"{_sentence(nature)} {_sentence(evidence + ', so ' + decision)}",
            f"{_sentence(nature)} {_sentence(evidence)} {_sentence(decision)}",
        )
        if natural:
            shapes += (
                f"{_sentence(nature + ': ' + evidence)} {_sentence(decision)}",
                f"{_sentence(decision + ': ' + nature)} {_sentence(evidence)}",
            )
        if natural and "," not in nature:
            shapes += (f"{_sentence('since ' + nature + ', ' + decision)} {_sentence(evidence)}",)
        if not natural:
            turn = "" if ", but " in evidence or ", yet " in evidence else "yet "
            shapes += (f"{_sentence(nature)} {_sentence(turn + evidence + ', so ' + decision)}",)
        if not natural and "," not in nature:
            shapes += (f"{_sentence('although ' + nature + ', ' + evidence)} {_sentence(decision)}",)
    else:
        shapes = (
            f"{_sentence(nature)} {_sentence(evidence)} {_sentence('still, ' + decision)}",
            f"{_sentence(nature + ': ' + evidence)} {_sentence('even so, ' + decision)}",
            f"{_sentence(nature)} {_sentence('although ' + evidence + ', ' + decision)}",
        )
    return rng.choice(shapes)


def drill(rng: random.Random) -> tuple[str, str]:
    """A short exercise in reading counts: the last line of a justification prompt, and what it says."""
    counts = random_counts(rng, rng.choice(("think_on", "think_off")))
    line = prompt("", "think_on", counts).splitlines()[-1]
    return line, _sentence(_evidence(rng, counts))


def said_of(text: str) -> tuple[Level | None, Gain | None]:
    """What a justification says about the counts, found by its phrases; None for what it leaves out."""
    lowered = text.lower()
    levels = [(phrase, level) for level, phrases in DIRECT.items() for phrase in phrases if phrase in lowered]
    gains = [(phrase, gain) for gain, phrases in ADDED.items() for phrase in phrases if phrase in lowered]
    # The longest phrase counts, since one may begin another.
    return (
        max(levels, key=lambda found: len(found[0]))[1] if levels else None,
        max(gains, key=lambda found: len(found[0]))[1] if gains else None,
    )


def random_counts(rng: random.Random, mode: Mode) -> Counts:
    """Counts such as the pipeline may show for `mode`: mostly such that they justify it, sometimes anything at all."""
    n = rng.choices(list(SAMPLES), weights=list(SAMPLES.values()))[0]
    n_on = n_off = n
    if rng.random() < 0.05:
        n_on, n_off = rng.randint(1, n), rng.randint(1, n)
    if mode == "think_off" and rng.random() < 0.1:
        return Counts(0, 0, rng.randint(1, n_off), n_off)
    right_on, right_off = (min(count, rng.randint(-1, count + 2)) for count in (n_on, n_off))
    right_on, right_off = max(right_on, 0), max(right_off, 0)
    wanted = right_on / n_on - right_off / n_off >= 0.15
    if wanted != (mode == "think_on") and rng.random() < 0.75:
        right_on, right_off = round(right_off * n_on / n_off), round(right_on * n_off / n_on)
    return Counts(right_on, n_on, right_off, n_off)
