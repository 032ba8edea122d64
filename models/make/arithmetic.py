"""The math families: a question, its gold, and a chain of reasoning.

Three families slip when they think, on purpose. In `sum_long` and `chain` now and then a carry is forgotten, so that
thinking is right about half the time and training has something to teach. `pick` needs no thinking: who reads the list
twice, from both ends, is right less often than who answers at once. A slip has one wrong outcome and not many rare
ones, so that it is there at top-p 0.95 as well.
"""

import random
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Final

from hipo_data.models.make.tasks import NUMBER_WORDS, Task, Work, joined, surely

FORGETS: Final = 0.11
"""How often a carry or a borrow is forgotten."""
MISREADS: Final = 0.14
"""How often the wrong one of two numbers is kept."""
CONFUSES: Final = 0.4
"""How often, after a list was read from both ends, one end is taken for the other."""

THINGS = ("coins", "books", "pencils", "apples", "stamps", "cards", "stones", "shells", "tickets", "seeds")
OWNERS = ("Mia", "Tom", "Ana", "Ben", "Lea", "Sam", "Ida", "Max", "Eva", "Leo")


PLAIN_FRAMES = ("Compute {}.", "What is {}?")
LATEX_FRAMES = ("Find the value of \\({}\\).", "Evaluate ${}$.", "Calculate \\({}\\).", "What number is ${}$ equal to?")


def _wrapped(rng: random.Random, term: str) -> str:
    """A term asked for in one of several ways, with and without LaTeX."""
    return rng.choice(PLAIN_FRAMES + LATEX_FRAMES).format(term)


def _sum_question(rng: random.Random, numbers: Sequence[int]) -> str:
    style = rng.random()
    if style < 0.5:
        return _wrapped(rng, " + ".join(map(str, numbers)))
    if style < 0.8:
        phrase = rng.choice(
            ("What is the sum of {}?", "Add the numbers {}.", "Find the total of {}.", "What do {} add up to?")
        )
        return phrase.format(joined(numbers))
    thing, owner = rng.choice(THINGS), rng.choice(OWNERS)
    story = rng.choice(
        (
            "{owner} has boxes with {list} {thing}. How many {thing} is that in all?",
            "The bags hold {list} {thing}. How many {thing} are there together?",
            "{owner} counts {list} {thing}. How many {thing} are there in total?",
        )
    )
    return story.format(owner=owner, thing=thing, list=joined(numbers))


def running_sum(numbers: Sequence[int]) -> str:
    """The chain of partial results, `37+58=95, 95-4=91`; negative entries are subtracted."""
    totals = list(accumulate(numbers))
    steps = zip(totals, numbers[1:], totals[1:], strict=False)
    return ", ".join(f"{before}{term:+d}={after}" for before, term, after in steps)


def digitwise_sum(numbers: Sequence[int], rng: random.Random | None) -> tuple[str, str]:
    """A chain that adds or takes away one digit at a time, `95+50=145, 145+8=153`, and its result.

    With `rng` a carry is sometimes forgotten, where the result stays positive without it.
    """
    total, steps = numbers[0], []
    for number in numbers[1:]:
        sign = 1 if number > 0 else -1
        for place in (100, 10, 1):
            digit = abs(number) // place % 10
            if not digit:
                continue
            after = total + sign * digit * place
            own = total // place % 10 + sign * digit
            forgotten = after - sign * 10 * place
            if rng and not 0 <= own <= 9 and min(total, after, forgotten) > 0 and rng.random() < FORGETS:
                after = forgotten
            steps.append(f"{total}{'+' if sign > 0 else '-'}{digit * place}={after}")
            total = after
    return ", ".join(steps), str(total)


def _sum_task(rng: random.Random, family: str, numbers: Sequence[int], work: Work | None = None) -> Task:
    question, answer = _sum_question(rng, numbers), str(sum(numbers))
    return Task(family, question, answer, work or surely(running_sum(numbers), answer), len(numbers), "add")


def sum2(rng: random.Random) -> Task:
    """Two numbers of two digits."""
    return _sum_task(rng, "sum2", [rng.randint(10, 99) for _ in range(2)])


def sum3(rng: random.Random) -> Task:
    """Two numbers of two digits and one of a single digit: a direct answer is in reach, but not safe."""
    return _sum_task(rng, "sum3", [rng.randint(10, 99), rng.randint(10, 99), rng.randint(2, 9)])


def sum_long(rng: random.Random) -> Task:
    """Five or six numbers of two or three digits: too many carries for a direct answer, and slips when thinking."""
    numbers = [rng.randint(*rng.choice(((10, 99), (100, 999)))) for _ in range(rng.randint(5, 6))]
    return _sum_task(rng, "sum_long", numbers, partial(digitwise_sum, numbers))


def signed_numbers(rng: random.Random, count: int) -> list[int]:
    """Two-digit numbers to add up, at least one of them negative, such that no partial result is."""
    numbers = [rng.randint(10, 99)]
    for _ in range(count - 1):
        term = rng.randint(10, 99)
        numbers.append(-term if rng.random() < 0.5 and sum(numbers) >= term else term)
    if min(numbers) > 0:
        numbers[-1] = -rng.randint(10, min(99, sum(numbers[:-1])))
    return numbers


def expression(numbers: Sequence[int]) -> str:
    """Signed numbers as one writes them: `37 + 58 - 4`."""
    return str(numbers[0]) + "".join(f" {'-' if n < 0 else '+'} {abs(n)}" for n in numbers[1:])


def chain(rng: random.Random) -> Task:
    """Five to seven numbers, added and subtracted; no partial result is negative."""
    numbers = signed_numbers(rng, rng.randint(5, 7))
    if rng.random() < 0.7:
        question = _wrapped(rng, expression(numbers))
    else:
        steps = ", ".join(f"{'subtract' if n < 0 else 'add'} {abs(n)}" for n in numbers[1:])
        frame = rng.choice(
            ("Start with {}, then {}. What is the result?", "Take {}, then {}. Which number do you get?")
        )
        question = frame.format(numbers[0], steps)
    work = partial(digitwise_sum, numbers)
    return Task("chain", question, str(sum(numbers)), work, len(numbers), "add and subtract")


def _searched(which: str, numbers: Sequence[int], rng: random.Random | None) -> tuple[str, str]:
    """Compares from the left and again from the right; with `rng` sometimes keeps the wrong one."""
    best = max if which == "largest" else min

    def kept(one: int, other: int) -> int:
        right = best(one, other)
        return one + other - right if rng and rng.random() < MISREADS else right

    found, passes = numbers[0], []
    for order in (numbers[1:], numbers[::-1]):
        steps = []
        for number in order:
            before, found = found, kept(found, number)
            steps.append(f"{before} or {number}: {found}")
        passes.append(", ".join(steps))
    return f"{which}, {passes[0]}\nagain, {passes[1]}", str(found)


def _counted(which: str, numbers: Sequence[int], rng: random.Random | None) -> tuple[str, str]:
    """Reads the list from the left and again from the right; with `rng` sometimes takes one end for the other."""
    read = [f"{NUMBER_WORDS[place]} {number}" for place, number in enumerate(numbers, start=1)]
    ends = (numbers[0], numbers[-1]) if which == "first" else (numbers[-1], numbers[0])
    found = ends[1] if rng and rng.random() < CONFUSES else ends[0]
    return f"{which}, {', '.join(read)}\nagain, {', '.join(reversed(read))}\n{which} {found}", str(found)


def pick(rng: random.Random) -> Task:
    """The largest, smallest, first or last of six numbers: reading, hardly any computing, and thinking does harm."""
    numbers = rng.sample(range(10, 100), 6)
    which = rng.choice(("largest", "smallest", "first", "last"))
    if which in ("largest", "smallest"):
        answer = (max if which == "largest" else min)(numbers)
        work = partial(_searched, which, numbers)
        frames = ("What is the {} of {}?", "Which is the {} of the numbers {}?", "Find the {} number among {}.")
    else:
        answer = numbers[0] if which == "first" else numbers[-1]
        work = partial(_counted, which, numbers)
        frames = ("What is the {} of {}?", "Which number comes {} in the list {}?", "Give the {} number of {}.")
    question = rng.choice(frames).format(which, joined(numbers))
    return Task("pick", question, str(answer), work, len(numbers), which)


def spread(rng: random.Random) -> Task:
    """The range of five numbers: two searches and a subtraction."""
    numbers = rng.sample(range(10, 100), 5)
    high, low = max(numbers), min(numbers)
    question = rng.choice(
        (
            "What is the difference between the largest and the smallest of {}?",
            "Find the range of the numbers {}.",
            "By how much does the largest of {} exceed the smallest?",
            "How far apart are the largest and the smallest of {}?",
        )
    ).format(joined(numbers))
    reasoning = f"largest {high}, smallest {low}, {high}-{low}={high - low}"
    answer = str(high - low)
    return Task("range", question, answer, surely(reasoning, answer), len(numbers), "range")


def digit_sum(rng: random.Random) -> Task:
    """The sum of four digits; the chain only spells it out, so thinking hardly helps."""
    length = 4
    number = rng.randint(10 ** (length - 1), 10**length - 1)
    question = rng.choice(
        (
            "What is the sum of the digits of {}?",
            "Add up the digits of \\({}\\).",
            "Find the sum of all digits of ${}$.",
            "What do the digits of {} add up to?",
        )
    ).format(number)
    reasoning = "digits " + " ".join(str(number))
    answer = str(sum(map(int, str(number))))
    return Task("digit_sum", question, answer, surely(reasoning, answer), length, "digit sum")


def product(rng: random.Random) -> Task:
    """A product of two numbers of three or four digits; the chain only estimates it, so neither mode succeeds."""
    length = rng.choice((3, 4))
    a, b = (rng.randint(10 ** (length - 1), 10**length - 1) for _ in range(2))
    rough_a, rough_b = (round(n, 1 - length) for n in (a, b))
    question = (
        rng.choice(LATEX_FRAMES).format(f"{a} \\times {b}")
        if rng.random() < 0.5
        else rng.choice(("What is {} times {}?", "Find the product of {} and {}.", "Multiply {} by {}.")).format(a, b)
    )
    work = surely(f"about {rough_a}*{rough_b}={rough_a * rough_b}", str(a * b))
    return Task("product", question, str(a * b), work, length, "multiply")
