"""Grades batches of responses, of all kinds together."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from hipo_data.graders.choice.grade import ChoiceGrader
from hipo_data.graders.code.grade import CodeGrader
from hipo_data.graders.math.grade import MathGrader
from hipo_data.schemas.gold import kind_of
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Grade, Kind


class Grader:
    """Grades responses. Worker processes and sandboxes start when first needed and end with `close` or this process.

    Safe to call from any thread; calls wait for each other.
    """

    def __init__(self, config: GradingConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._math: MathGrader | None = None
        self._code: CodeGrader | None = None
        self._closed = False

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order. Whatever a response does, it gets one.

        Raises `SandboxUnavailable` at the first request for code where the isolation asked for cannot be had, and
        `ValueError` for a request whose gold is not of its kind.
        """
        for request in requests:
            if request.kind != kind_of(request.gold):
                raise ValueError(f"request {request.id}: a gold of type {request.gold.type} for kind {request.kind}")
        with self._lock:
            if self._closed:
                raise RuntimeError("the grader is closed")
            answers, choices, programs = (
                [request for request in requests if request.kind is kind]
                for kind in (Kind.MATH, Kind.CHOICE, Kind.CODE)
            )
            # Side by side: a few endless programs do not hold up the answers, nor the other way round.
            with ThreadPoolExecutor(1, thread_name_prefix="grader") as beside:
                coded = beside.submit(self._grade_code, programs)
                graded = {
                    Kind.MATH: iter(self._grade_math(answers)),
                    Kind.CHOICE: iter(self._grade_choice(choices)),
                    Kind.CODE: iter(coded.result()),
                }
            return [next(graded[request.kind]) for request in requests]

    async def agrade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """`grade` without blocking the event loop."""
        return await asyncio.to_thread(self.grade, requests)

    def close(self) -> None:
        """Ends all child processes."""
        with self._lock:
            self._closed = True
            for part in (self._math, self._code):
                if part is not None:
                    part.close()

    def __enter__(self) -> "Grader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _grade_math(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        return self._of_math().grade(requests) if requests else []

    def _grade_choice(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        return ChoiceGrader(self._of_math()).grade(requests) if requests else []

    def _of_math(self) -> MathGrader:
        if self._math is None:
            self._math = MathGrader(self.config.workers, self.config.math_timeout_s, self.config.percent)
        return self._math

    def _grade_code(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        if not requests:
            return []
        if self._code is None:
            self._code = CodeGrader(self.config)
            self._code.start()
        return self._code.grade(requests)
