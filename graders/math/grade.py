"""Grades math answers: rules first, then comparison in workers for what is left, each different case once."""

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from hipo_data.graders.math import extract, options, rules, statements
from hipo_data.graders.math.pool import Case, Pool
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import Grade, Status

MATH_GRADER = "math/5"
QUANTITY_GRADER = "quantity/2"
_REMEMBERED = 50_000
_MOST_LISTED = 6
_PLAIN = 3
"""Parts of a case that is no measured quantity."""
_SEVERAL = re.compile(r"[,;]|\b(?:and|or)\b")


class MathGrader:
    """Grades batches; remembers the pairs that it has compared."""

    def __init__(self, workers: int, limit_s: float, percent: str = "asked") -> None:
        """`percent` is the configuration's key: where it is `always`, every question is taken to say percent."""
        self._asking = " percent" if percent == "always" else ""
        self._pool = Pool(workers, limit_s)
        self._known: OrderedDict[Case, dict[str, Any]] = OrderedDict()

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order. Raises `OSError` where no worker can be started."""
        found = [extract.found(request.response) for request in requests]
        answers = [answer for answer, _ in found]
        cases = [_cases(request, *item, self._asking) for request, item in zip(requests, found, strict=True)]
        decided: dict[Case, bool | None] = {}
        for case in (case for several in cases for case in several):
            if case not in decided:
                decided[case] = _ruled(case)
        self._compare(list({_compared(case): None for case, said in decided.items() if said is None}))
        grades = [self._grade(answer, several, decided) for answer, several in zip(answers, cases, strict=True)]
        self._forget()
        return grades

    def compare(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Of each case whether it is "equal", or its "error", as workers reply; what rules decide costs nothing."""
        decided = {case: _ruled(case) for case in dict.fromkeys(cases)}
        self._compare(list({_compared(case): None for case, said in decided.items() if said is None}))
        replies = [
            {"equal": said} if (said := decided[case]) is not None else self._known[_compared(case)] for case in cases
        ]
        self._forget()
        return replies

    def close(self) -> None:
        """Ends the workers."""
        self._pool.close()

    def _forget(self) -> None:
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _compare(self, cases: Sequence[Case]) -> None:
        cases = [case for case in cases if case not in self._known]
        for case, reply in zip(cases, self._pool.compare(cases), strict=True):
            self._known[case] = reply

    def _grade(self, answer: str | None, cases: Sequence[Case], decided: dict[Case, bool | None]) -> Grade:
        started, used = time.perf_counter(), time.thread_time()
        if answer is None:
            return Grade(status=Status.INCORRECT, reason="no_answer", grader=MATH_GRADER)
        status, reason, wall, cpu = Status.INCORRECT, "mismatch", 0.0, 0.0
        for case in cases:
            said = decided[case]
            reply: dict[str, Any] = {"equal": said} if said is not None else self._known[_compared(case)]
            wall += reply.get("wall_s", 0.0)
            cpu += reply.get("cpu_s", 0.0)
            if reply.get("equal"):
                status, reason = Status.CORRECT, reply.get("reason", "match")
                break
            if "error" in reply or reply.get("equal") is None:
                status, reason = Status.UNKNOWN, reply.get("error") or reply["reason"]
            elif "reason" in reply and status is Status.INCORRECT:
                reason = reply["reason"]
        return Grade(
            status=status,
            reason=reason,
            extracted=answer[:2000],
            cpu_ms=(cpu + time.thread_time() - used) * 1000,
            wall_ms=(wall + time.perf_counter() - started) * 1000,
            grader=QUANTITY_GRADER if any(len(case) > _PLAIN for case in cases) else MATH_GRADER,
        )


def _cases(request: GradeRequest, answer: str | None, stated: bool, asking: str = "") -> list[Case]:
    """What the answer is held against: each acceptable gold, and all of them as a list, which says nothing but right.

    `stated`: the answer is the value of the last statement, and not announced as the answer. `asking`: what every
    question is taken to say besides.
    """
    assert isinstance(request.gold, MathGold)
    if answer is None:
        return []
    golds = list(dict.fromkeys(request.gold.answers))
    if request.gold.is_quantity:
        about = request.gold.model_dump_json(include={"unit", "tolerance", "error"})
        return [(gold, answer, "", about) for gold in golds]
    if 1 < len(golds) <= _MOST_LISTED and _SEVERAL.search(answer):
        golds.append(", ".join(golds))
    question = request.question + asking
    return [(options.without_letter(answer, gold), _as_asked(gold, answer, stated), question) for gold in golds]


def _as_asked(gold: str, answer: str, stated: bool) -> str:
    """The answer without what the gold has not: the letter of an option, the left side of a last statement."""
    answer = options.without_letter(gold, answer)
    return statements.right_side(answer) if stated and "=" in answer and "=" not in gold else answer


def _ruled(case: Case) -> bool | None:
    """What rules say of a case; of a measured quantity only that it takes too long to work out."""
    return rules.too_complex(*case[:_PLAIN]) if len(case) > _PLAIN else rules.decide(*case[:_PLAIN])[0]


def _compared(case: Case) -> Case:
    """The case as workers get it: the question tells them only what the left side of an equation may be."""
    if len(case) > _PLAIN:
        return case
    gold, answer, question = case[:_PLAIN]
    return gold, answer, question if "=" in answer else ""
