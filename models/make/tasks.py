"""What a task is, which families exist, and which pool a question belongs to."""

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Pool = Literal["base", "train", "heldout"]
Mode = Literal["think_on", "think_off"]

MODES: Final[tuple[Mode, Mode]] = ("think_on", "think_off")
MATH_FAMILIES: Final = ("pick", "sum2", "sum3", "range", "digit_sum", "sum_long", "chain", "product")
CODE_FAMILIES: Final = ("code_direct", "code_constant", "code_steps")
FAMILIES: Final = MATH_FAMILIES + CODE_FAMILIES

NUMBER_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


Work = Callable[[random.Random | None], tuple[str, str]]
"""Writes a chain of reasoning, and the answer in which it ends: the right ones without a random source, and with one
those of somebody who slips as often as the family does."""


@dataclass(frozen=True)
class Task:
    """One problem with everything that the corpus, the problem files and the justifications need.

    `answer` is the gold: the number as text for math, the program for code. `count` is how many numbers (or steps)
    the question works on, `operation` names what is done to them, `cases` are (arguments, expected value) for code.
    """

    family: str
    question: str
    answer: str
    work: Work
    count: int
    operation: str
    entry_point: str = ""
    cases: tuple[tuple[tuple[Any, ...], Any], ...] = ()

    @property
    def is_code(self) -> bool:
        """Whether the gold is a program."""
        return self.family in CODE_FAMILIES

    def response(self, answer: str) -> str:
        """An answer as the model writes it: a boxed number, or a fenced program."""
        return f"```python\n{answer}\n```" if self.is_code else f"\\boxed{{{answer}}}"


def surely(reasoning: str, answer: str) -> Work:
    """The work of a family that never slips."""
    return lambda _: (reasoning, answer)


def completion(task: Task, mode: Mode, rng: random.Random | None = None) -> str:
    """The text after the generation prompt of `mode`, without the end-of-turn token.

    With `rng` thinking slips as often as that of the task's family does, and ends in the answer that follows from it.
    """
    if mode == "think_off":
        return task.response(task.answer)
    reasoning, answer = task.work(rng)
    return f"{reasoning}\n</think>\n\n{task.response(answer)}"


def pool_of(question: str) -> Pool:
    """The pool of a question, from the sha256 of its text: 7/10 base corpus, 2/10 train, 1/10 held out."""
    bucket = int.from_bytes(hashlib.sha256(question.encode()).digest()[:8], "big") % 10
    return "heldout" if bucket == 0 else "train" if bucket <= 2 else "base"


def order_of(question: str) -> str:
    """The key by which problem files are sorted; salted, so that it is independent of the pool."""
    return hashlib.sha256(b"order:" + question.encode()).hexdigest()


def numbers_in(question: str) -> list[int]:
    """All the whole numbers of a question, in order, without signs."""
    return [int(number) for number in re.findall(r"[0-9]+", question)]


def family_of(question: str) -> str:
    """The family of a question, read from its text alone. Raises ValueError when it belongs to none."""
    text = question.lower()
    count = len(numbers_in(question))
    if "function" in text:
        if "constant" in text:
            return "code_constant"
        return "code_steps" if "expression" in text else "code_direct"
    if re.search(r"product|times|multipl", text):
        return "product"
    if "digits" in text:
        return "digit_sum"
    if re.search(r"range|difference|exceed|apart", text):
        return "range"
    if re.search(r"largest|smallest|first|last", text):
        return "pick"
    if re.search(r" - |subtract", text):
        return "chain"
    if count == 2:
        return "sum2"
    if count == 3:
        return "sum3"
    if count >= 5:
        return "sum_long"
    raise ValueError(f"no family for the question {question!r}")


def joined(numbers: Sequence[int]) -> str:
    """Numbers as English lists them: `12, 9 and 31`."""
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
