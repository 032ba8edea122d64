"""How the targets are made from which the model learns to justify a mode.

A justification is one or two short sentences: what the problem asks for or what the counts in the prompt say, and the
mode that follows. It is put together from what the justification prompt shows, in many wordings, of at most twelve
words and signs: both modes pay for it, so a long one would hide what thinking costs. It never holds a digit, so it
cannot hold the answer.
"""

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import jinja2

from hipo_data.models.make.tasks import Mode, Task

TEMPLATE: Final = Path(__file__).parents[2] / "prompts" / "templates" / "justify_compact.j2"
MIN_CHARACTERS: Final = 20
MAX_PIECES: Final = 12
"""Words and punctuation marks, most of which are one token each."""
# How many samples a mode has, and how often that is shown.
SAMPLES: Final = {2: 0.1, 4: 0.2, 8: 0.5, 16: 0.2}
# How often the mode to justify is the only one that was sampled.
ALONE: Final[dict[Mode, float]] = {"think_on": 0.1, "think_off": 0.2}

Level = Literal["always", "mostly", "sometimes", "rarely", "never"]
Gain = Literal["large", "clear", "little", "worse"]


@dataclass(frozen=True)
class Counts:
    """Right answers and samples of each mode; `n_on` or `n_off` is 0 where that mode was not sampled."""

    right_on: int
    n_on: int
    right_off: int
    n_off: int

    @property
    def level(self) -> Level | None:
        """How often a direct answer is right, in words; None where none was sampled."""
        return _level(self.right_off, self.n_off)

    @property
    def level_on(self) -> Level | None:
        """How often thinking is right, in words; None where it was not sampled."""
        return _level(self.right_on, self.n_on)

    @property
    def gain(self) -> Gain | None:
        """How much thinking adds to the pass rate, in words; None unless both modes were sampled."""
        if not self.n_on or not self.n_off:
            return None
        gain = self.right_on / self.n_on - self.right_off / self.n_off
        return "worse" if gain <= -0.15 else "little" if gain < 0.15 else "clear" if gain < 0.5 else "large"


def _level(right: int, n: int) -> Level | None:
    if not n:
        return None
    rate = right / n
    if rate in (0.0, 1.0):
        return "always" if rate else "never"
    return "mostly" if rate >= 0.7 else "rarely" if rate <= 0.3 else "sometimes"


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


# Every phrase is a clause without its full stop, {op} the task's operation. None names a count that differs within its
# family: a model of this size gets half of them wrong.
NATURE: Final[dict[str, tuple[str, ...]]] = {
    "pick": (
        "this only asks for the {op}",
        "the {op} can be read off",
        "this is only reading",
        "the list is only read",
    ),
    "sum2": (
        "this adds two numbers",
        "this is a single addition",
        "the sum has two terms",
        "only two numbers are added",
    ),
    "sum3": (
        "this adds three numbers",
        "the sum has three terms",
        "this takes two additions",
        "three numbers are added",
    ),
    "range": (
        "this is a search and a subtraction",
        "the range takes two searches",
        "the list is searched twice",
        "two ends must be found",
    ),
    "digit_sum": (
        "this adds four digits",
        "four digits are added",
        "a sum of digits is short",
        "only digits are added",
    ),
    "sum_long": (
        "this adds many numbers",
        "the sum has many terms",
        "every carry counts",
        "carries pile up",
    ),
    "chain": (
        "every sign changes the total",
        "this is a chain of signs",
        "the signs are mixed",
        "signs change in this chain",
    ),
    "product": (
        "this multiplies long numbers",
        "a long product",
        "this is a heavy product",
        "many partial products are needed",
    ),
    "code_direct": (
        "this needs a single {op}",
        "one {op} will do",
        "one line is asked for",
        "the {op} is named outright",
    ),
    "code_constant": (
        "the constant has parts",
        "the constant is hidden",
        "numbers become one constant",
        "the constant must be worked out",
    ),
    "code_steps": (
        "steps become one expression",
        "this folds steps into one",
        "the steps must be merged",
        "each step counts",
    ),
}
EASY: Final = ("pick", "sum2", "digit_sum", "code_direct")
OPERATIONS: Final = {"join": "join of two strings", "sum": "list sum", "loop": "loop over the list"}

DIRECT: Final[dict[Level, tuple[str, ...]]] = {
    "always": ("answering at once is always right", "direct answers never fail", "every direct try was right"),
    "mostly": ("answering at once is mostly right", "direct answers usually hold", "most direct tries were right"),
    "sometimes": ("direct answers are hit and miss", "some direct tries were wrong"),
    "rarely": ("direct answers seldom hold", "few direct tries were right"),
    "never": ("direct answers always fail", "no direct try was right", "a direct answer has no chance"),
}
# Where thinking alone was sampled, there is nothing to compare it with.
THOUGHT: Final[dict[Level, tuple[str, ...]]] = {
    "always": ("thinking is always right", "reasoning never fails here"),
    "mostly": ("thinking is mostly right", "reasoning usually holds"),
    "sometimes": ("thinking is hit and miss", "reasoning holds sometimes"),
    "rarely": ("thinking is seldom right", "reasoning seldom holds"),
    "never": ("thinking was never right", "reasoning always fails"),
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
        "I will think first",
        "I will think it through",
        "thinking first is better",
        "it is worth reasoning",
        "I should reason first",
    ),
    "think_off": (
        "I will answer at once",
        "I will answer directly",
        "a direct answer is best",
        "I can skip the reasoning",
        "a short answer will do",
    ),
}


CONNECTIVES: Final = "so still although"


def wordings() -> list[str]:
    """Every phrase that a target can be put together from, names of operations included."""
    groups = (*NATURE.values(), *DIRECT.values(), *THOUGHT.values(), *ADDED.values(), *DECISION.values())
    named = "largest smallest first last addition subtraction multiplication division remainder repetition slice append"
    phrases = [phrase.replace("{op}", "") for group in groups for phrase in group]
    return [*phrases, *OPERATIONS.values(), named, CONNECTIVES]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _favours(counts: Counts) -> Mode:
    """The mode that the counts speak for: by the gain, or by the one mode that was sampled where that is all."""
    if counts.gain is not None:
        return "think_on" if counts.gain in ("large", "clear") else "think_off"
    if counts.level is None:
        return "think_off" if counts.level_on in ("rarely", "never") else "think_on"
    return "think_on" if counts.level in ("rarely", "never") else "think_off"


def _evidence(rng: random.Random, counts: Counts) -> str:
    """What the counts say, in a clause that by itself speaks for the mode that they favour."""
    if counts.gain is None:
        level = counts.level_on or counts.level
        assert level is not None
        return rng.choice((THOUGHT if counts.level_on else DIRECT)[level])
    assert counts.level is not None
    direct = rng.choice(DIRECT[counts.level])
    sided = {"think_on": ("sometimes", "rarely", "never"), "think_off": ("always", "mostly")}[_favours(counts)]
    return direct if counts.level in sided and rng.random() < 0.5 else rng.choice(ADDED[counts.gain])


def pieces(text: str) -> int:
    """Words and punctuation marks of a text."""
    return len(re.findall(r"[\w']+|[^\w\s]", text))


def target(rng: random.Random, task: Task, mode: Mode, counts: Counts) -> str:
    """One justification of `mode` for a task: at least 20 characters, at most 12 pieces, no digits, no tags."""
    while True:
        text = _compose(rng, task, mode, counts)
        if len(text) >= MIN_CHARACTERS and pieces(text) <= MAX_PIECES:
            return text


def _compose(rng: random.Random, task: Task, mode: Mode, counts: Counts) -> str:
    operation = OPERATIONS.get(task.operation, task.operation)
    nature = rng.choice(NATURE[task.family]).format(op=operation)
    decision = rng.choice(DECISION[mode])
    evidence = _evidence(rng, counts)
    if _favours(counts) != mode:
        against = (
            _sentence(f"{evidence}; still, {decision}"),
            _sentence(f"although {evidence}, {decision}"),
            f"{_sentence(evidence)} {_sentence(f'still, {decision}')}",
        )
        return rng.choice(against)
    shapes = [
        _sentence(f"{evidence}, so {decision}"),
        f"{_sentence(evidence)} {_sentence(decision)}",
        _sentence(f"{nature}: {evidence}, so {decision}"),
        f"{_sentence(nature)} {_sentence(f'{evidence}, so {decision}')}",
        _sentence(f"{decision}: {evidence}"),
    ]
    # The problem's nature may only be given as the reason where it does speak for the mode.
    if mode == ("think_off" if task.family in EASY else "think_on"):
        shapes += [_sentence(f"{nature}, so {decision}"), _sentence(f"{decision}: {nature}")]
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
    if rng.random() < ALONE[mode]:
        right = rng.randint((n + 1) // 2, n)
        return Counts(right, n, 0, 0) if mode == "think_on" else Counts(0, 0, right, n)
    right_on, right_off = (min(count, rng.randint(-1, count + 2)) for count in (n_on, n_off))
    right_on, right_off = max(right_on, 0), max(right_off, 0)
    wanted = right_on / n_on - right_off / n_off >= 0.15
    if wanted != (mode == "think_on") and rng.random() < 0.75:
        right_on, right_off = round(right_off * n_on / n_off), round(right_on * n_off / n_on)
    return Counts(right_on, n_on, right_off, n_off)
