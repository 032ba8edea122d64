"""What each tool is given to write down: three sums, four responses to each."""

from typing import NamedTuple


class Response(NamedTuple):
    """A response, and how it ended: `stop`, `length` within its reasoning, or `error` without any text."""

    reasoning: str | None
    answer: str
    reward: float
    ended: str = "stop"


MODEL = "toy/adder"
SUMS = [("What is 2 + 3?", "5"), ("What is 10 + 7?", "17"), ("What is 6 + 36?", "42")]


def responses(place: int) -> list[Response]:
    """To the sum at `place`: two that think, of which the second is wrong, cut off or failed; two that do not."""
    gold = SUMS[place][1]
    second = [
        Response("It could be 99.", "\\boxed{99}", 0.0),
        Response("I count and count", "", 0.0, "length"),
        Response(None, "", 0.0, "error"),
    ][place]
    return [
        Response(f"Adding up gives {gold}.", f"It is \\boxed{{{gold}}}.", 1.0),
        second,
        Response(None, f"\\boxed{{{gold}}}", 1.0),
        Response(None, "\\boxed{0}", 0.0),
    ]
