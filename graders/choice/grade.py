"""Grades multiple-choice answers: the option that a response names is the right one or not.

An answer that names no option, or two, is incorrect, as a missing box is in math: the prompt asks for one letter. What
could be read as the right option and as another one as well is unknown, never a guess of this grader's.
"""

import time
from collections.abc import Sequence
from typing import Any

from hipo_data.graders.choice import letters, reading
from hipo_data.graders.choice.reading import Reading
from hipo_data.graders.math import boxes, extract
from hipo_data.graders.math.grade import MathGrader
from hipo_data.graders.math.pool import Case
from hipo_data.graders.reasoning import after_reasoning
from hipo_data.schemas.gold import ChoiceGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.lettered_options import LETTERS
from hipo_data.schemas.records import Grade, Status

CHOICE_GRADER = "choice/2"
_KEPT = 2000


class ChoiceGrader:
    """Grades batches; formulas are compared by the math grader, all those of a batch together."""

    def __init__(self, math: MathGrader) -> None:
        self._math = math

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order. Raises `OSError` where no worker can be started."""
        started, used = time.perf_counter(), time.thread_time()
        found = [_answer(request.response) for request in requests]
        read = [_read(request, answer) for request, answer in zip(requests, found, strict=True)]
        asked = [_cases(request, *each) for request, each in zip(requests, zip(found, read, strict=True), strict=True)]
        replies = dict(_replies(self._math, [case for cases in asked for case in cases.values()]))
        grades = [
            _grade(request, answer, each, {place: replies[case] for place, case in cases.items()})
            for request, answer, each, cases in zip(requests, found, read, asked, strict=True)
        ]
        share = max(1, len(requests))
        wall, cpu = (1000 * spent / share for spent in (time.perf_counter() - started, time.thread_time() - used))
        return [grade.model_copy(update={"wall_ms": wall, "cpu_ms": grade.cpu_ms + cpu}) for grade in grades]


def _gold(request: GradeRequest) -> ChoiceGold:
    assert isinstance(request.gold, ChoiceGold)
    return request.gold


def _answer(response: str) -> tuple[str | None, bool]:
    """What a response answers, and whether in a box."""
    line = reading.answer_line(response)
    if line is not None:
        return line, False
    answer, stated = extract.found(response)
    if answer is None or stated:  # an explanation may follow an answer, and nothing announces one after it
        line = reading.opening_line(response)
    boxed = boxes.last(after_reasoning(response))[0] is not None
    return (answer, boxed) if line is None else (line, False)


def _read(request: GradeRequest, answer: tuple[str | None, bool]) -> Reading:
    text, boxed = answer
    if text is None:
        return Reading(frozenset(), "no_answer")
    options = _gold(request).options
    found = reading.read(text, options, boxed)
    if found.places or boxed or not found.open:
        return found
    place = letters.pointed_at(after_reasoning(request.response))
    return found if place is None or place >= len(options) else Reading(frozenset({place}), "letter")


def _cases(request: GradeRequest, answer: tuple[str | None, bool], read: Reading) -> dict[int, Case]:
    """Formulas to compare, by the place of the option."""
    text = answer[0]
    if text is None or not read.open or read.places or not reading.is_formula(text):
        return {}
    options = _gold(request).options
    return {place: (option, text, "") for place, option in enumerate(options) if reading.is_formula(option)}


def _replies(math: MathGrader, cases: Sequence[Case]) -> list[tuple[Case, dict[str, Any]]]:
    different = list(dict.fromkeys(cases))
    return list(zip(different, math.compare(different), strict=True))


def _grade(
    request: GradeRequest, answer: tuple[str | None, bool], read: Reading, replies: dict[int, dict[str, Any]]
) -> Grade:
    gold = _gold(request)
    right = LETTERS.index(gold.answer)
    text, boxed = answer
    places, reason = read.places, read.reason
    error = None
    if not places and replies:
        places = frozenset(place for place, reply in replies.items() if reply.get("equal"))
        reason = "content" if places else reason
        reply = replies.get(right, {})
        error = reply.get("error") or reply.get("reason")
    status, said = _verdict(right, places, reason)
    if right not in places and error is not None:
        status, said = Status.UNKNOWN, str(error)
    elif text is None and reading.concludes_with(request.response, gold.right):
        status, said = Status.UNKNOWN, "unclear_option"
    elif not places and read.open and text is not None:
        around = "" if boxed else request.response
        if reading.may_mean(text, right, gold.options, around):
            status, said = Status.UNKNOWN, "unclear_option"
    chosen = "".join(LETTERS[place] for place in sorted(places))
    return Grade(
        status=status,
        reason=said,
        extracted=chosen if len(chosen) == 1 else text and text[:_KEPT],
        cpu_ms=1000 * sum(reply.get("cpu_s", 0.0) for reply in replies.values()),
        grader=CHOICE_GRADER,
    )


def _verdict(right: int, places: frozenset[int], reason: str) -> tuple[Status, str]:
    if places == {right}:
        return Status.CORRECT, "match"
    if right in places:
        return Status.UNKNOWN, "equal_options" if reason == "content" else reason
    return Status.INCORRECT, "mismatch" if places else reason
