"""Grades math answers: rules first, then math-verify for what is left, each different pair once."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from hipo_data.graders.math import extract, rewrite, rules
from hipo_data.graders.math.pool import Pool
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import Grade, Status

MATH_GRADER = "math/2"
_REMEMBERED = 50_000

_Pair = tuple[str, str]


class MathGrader:
    """Grades batches; remembers the pairs that it has compared."""

    def __init__(self, workers: int, limit_s: float) -> None:
        self._pool = Pool(workers, limit_s)
        self._known: OrderedDict[_Pair, dict[str, Any]] = OrderedDict()

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order. Raises `OSError` where no worker can be started."""
        answers = [extract.final_answer(request.response) for request in requests]
        decided: dict[tuple[str, str, str], bool | list[_Pair]] = {}
        for request, answer in zip(requests, answers, strict=True):
            for gold in _golds(request) if answer is not None else ():
                case = gold, answer or "", request.question
                if case not in decided:
                    opinion, _ = rules.decide(*case)
                    decided[case] = rewrite.pairs(*case[:2]) if opinion is None else opinion
        wanted = dict.fromkeys(pair for pairs in decided.values() if isinstance(pairs, list) for pair in pairs)
        self._compare([pair for pair in wanted if pair not in self._known])
        grades = [self._grade(request, answer, decided) for request, answer in zip(requests, answers, strict=True)]
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return grades

    def close(self) -> None:
        """Ends the workers."""
        self._pool.close()

    def _compare(self, pairs: Sequence[_Pair]) -> None:
        for pair, reply in zip(pairs, self._pool.compare(pairs), strict=True):
            self._known[pair] = reply

    def _grade(
        self, request: GradeRequest, answer: str | None, decided: dict[tuple[str, str, str], bool | list[_Pair]]
    ) -> Grade:
        started, used = time.perf_counter(), time.thread_time()
        if answer is None:
            return Grade(status=Status.INCORRECT, reason="no_answer", grader=MATH_GRADER)
        status, reason, wall, cpu = Status.INCORRECT, "mismatch", 0.0, 0.0
        for gold in _golds(request):
            opinion = decided[(gold, answer, request.question)]
            replies = [self._known[pair] for pair in opinion] if isinstance(opinion, list) else []
            wall += sum(reply["wall_s"] for reply in replies)
            cpu += sum(reply["cpu_s"] for reply in replies)
            if opinion is True or (replies and all(reply.get("equal") for reply in replies)):
                status, reason = Status.CORRECT, "match"
                break
            failed = [reply["error"] for reply in replies if "error" in reply]
            if failed and not any(reply.get("equal") is False for reply in replies):
                status, reason = Status.UNKNOWN, failed[0]
        return Grade(
            status=status,
            reason=reason,
            extracted=answer[:2000],
            cpu_ms=(cpu + time.thread_time() - used) * 1000,
            wall_ms=(wall + time.perf_counter() - started) * 1000,
            grader=MATH_GRADER,
        )


def _golds(request: GradeRequest) -> list[str]:
    assert isinstance(request.gold, MathGold)
    return request.gold.answers
