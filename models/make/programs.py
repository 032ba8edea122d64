"""The code families: a function asked for in words, a program that is right, and cases to run it on."""

import random
from collections.abc import Callable
from typing import Any

from hipo_data.models.make.arithmetic import expression, running_sum, signed_numbers
from hipo_data.models.make.tasks import Task, surely

NAMES = ("f", "g", "h", "solve", "run", "calc", "apply", "convert", "step", "make")
FRAMES = (
    "Write a function {name}({arg}) that returns {what}.",
    "Define a function {name}({arg}) which returns {what}.",
    "Implement the function {name}({arg}). It returns {what}.",
    "Write a Python function {name} that takes {arg} and returns {what}.",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("cat", "dog", "sun", "sea", "red", "day", "end", "box", "key", "map", "pen", "top", "win", "ice", "oak", "hat")

# kind of operation, description, expression; {a} is the argument, {c} a constant, {w} a short word.
NUMBER_OPS = (
    ("addition", "{a} plus {c}", "{a} + {c}"),
    ("subtraction", "{a} minus {c}", "{a} - {c}"),
    ("subtraction", "{c} minus {a}", "{c} - {a}"),
    ("multiplication", "{a} times {c}", "{a} * {c}"),
    ("division", "{a} divided by {c}, rounded down", "{a} // {c}"),
    ("remainder", "the remainder of {a} divided by {c}", "{a} % {c}"),
)
TEXT_OPS = (
    ("join", "the string {a} followed by '{w}'", "{a} + '{w}'"),
    ("join", "the string {a} with '{w}' in front", "'{w}' + {a}"),
    ("repetition", "the string {a} repeated {d} times", "{a} * {d}"),
    ("slice", "the first {d} characters of the string {a}", "{a}[:{d}]"),
    ("slice", "the string {a} without its first {d} characters", "{a}[{d}:]"),
)
LIST_OPS = (
    ("slice", "the first {d} elements of the list {a}", "{a}[:{d}]"),
    ("slice", "the list {a} without its first {d} elements", "{a}[{d}:]"),
    ("sum", "the sum of the list {a} plus {c}", "sum({a}) + {c}"),
    ("append", "the list {a} with {c} added at the end", "{a} + [{c}]"),
    ("loop", "the list {a} with every element multiplied by {c}", "[{c} * v for v in {a}]"),
    ("loop", "the list {a} with {c} added to every element", "[v + {c} for v in {a}]"),
)


def _number(rng: random.Random) -> int:
    return rng.randint(0, 200)


def _text(rng: random.Random) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(3, 14)))


def _list(rng: random.Random) -> list[int]:
    return [rng.randint(-50, 99) for _ in range(rng.randint(2, 12))]


def _task(
    rng: random.Random,
    family: str,
    what: str,
    body: str,
    reasoning: str,
    arg: str,
    make_input: Callable[[random.Random], Any],
    count: int,
    operation: str,
) -> Task:
    name = rng.choice(NAMES)
    question = rng.choice(FRAMES).format(name=name, arg=arg, what=what)
    # The expressions are our own and closed over one argument, so evaluating them gives the expected values.
    gold = eval(compile(f"lambda {arg}: {body}", "gold", "eval"))
    inputs = [make_input(rng) for _ in range(5)]
    cases = tuple(((value,), gold(value)) for value in inputs)
    program = f"def {name}({arg}):\n    return {body}"
    return Task(family, question, program, surely(reasoning, program), count, operation, name, cases)


def code_direct(rng: random.Random) -> Task:
    """One operation on a number, a string or a list."""
    ops, arg, make_input = rng.choice(
        ((NUMBER_OPS, rng.choice("xn"), _number), (TEXT_OPS, "s", _text), (LIST_OPS, "xs", _list))
    )
    operation, what, body = rng.choice(ops)
    fill = {"a": arg, "c": rng.randint(2, 99), "d": rng.randint(2, 9), "w": rng.choice(WORDS)}
    body = body.format(**fill)
    return _task(rng, "code_direct", what.format(**fill), body, f"return {body}", arg, make_input, 1, operation)


def code_constant(rng: random.Random) -> Task:
    """A constant that has to be worked out from several numbers before it can be written down."""
    numbers = signed_numbers(rng, rng.randint(4, 5))
    word, sign = rng.choice((("plus", "+"), ("minus", "-")))
    arg = rng.choice("xn")
    what = f"{arg} {word} the value of {expression(numbers)}, as one constant"
    reasoning = running_sum(numbers)
    body = f"{arg} {sign} {sum(numbers)}"
    return _task(rng, "code_constant", what, body, reasoning, arg, _number, len(numbers), "constant")


def _linear(arg: str, slope: int, offset: int) -> str:
    scaled = arg if slope == 1 else f"{slope} * {arg}"
    return scaled if offset == 0 else f"{scaled} {'+' if offset > 0 else '-'} {abs(offset)}"


def code_steps(rng: random.Random) -> Task:
    """Three or four steps in words that have to be folded into one linear expression."""
    arg = rng.choice("xn")
    count = rng.randint(3, 4)
    multiplied_at = rng.randrange(count)
    slope, offset = 1, 0
    words: list[str] = []
    forms: list[str] = []
    for index in range(count):
        if index == multiplied_at:
            factor = rng.randint(2, 5)
            slope, offset = slope * factor, offset * factor
            words.append(f"multiplied by {factor}")
        else:
            term = rng.randint(2, 9)
            minus = rng.random() < 0.3
            offset += -term if minus else term
            words.append(f"{'minus' if minus else 'plus'} {term}")
        forms.append(_linear(arg, slope, offset))
    what = f"{arg} " + ", then ".join(words) + ", as one expression"
    reasoning = ", ".join(form.replace(" ", "") for form in forms)
    return _task(rng, "code_steps", what, forms[-1], reasoning, arg, _number, count, "steps")
