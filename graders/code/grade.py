"""Grades programs: a box for each worker, a thread for each box."""

import queue
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from hipo_data.graders.code import extract
from hipo_data.graders.code.judge import judge
from hipo_data.graders.code.names import names_under_test
from hipo_data.graders.code.outcome import Outcome
from hipo_data.graders.code.reference import OUT_OF_TIME, ReferenceTimes
from hipo_data.graders.sandbox.choose import sandbox
from hipo_data.graders.sandbox.interface import Sandbox
from hipo_data.graders.sandbox.run import Limits, SandboxBroken
from hipo_data.schemas.errors import SandboxUnavailable
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, CodeGold, StdinGold
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Grade, Status

CODE_GRADER = "code/3"
_ATTEMPTS = 2
_NAME = re.compile(r"[A-Za-z_]\w*")


class CodeGrader:
    """Grades batches of programs in parallel."""

    def __init__(self, config: GradingConfig) -> None:
        self._config = config
        self._times = ReferenceTimes(config.reference_factor)
        self._boxes: queue.SimpleQueue[Sandbox] = queue.SimpleQueue()
        self._all = [sandbox(config) for _ in range(config.workers)]
        for box in self._all:
            self._boxes.put(box)
        self._threads = ThreadPoolExecutor(config.workers, thread_name_prefix="code")

    def start(self) -> None:
        """Starts one sandbox. Raises `SandboxUnavailable` where the isolation asked for cannot be had."""
        self._all[0].start()

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order; identical ones are graded once."""
        different = {_identity(request): request for request in requests}
        grades = dict(zip(different, self._threads.map(self._one, different.values()), strict=True))
        return [grades[_identity(request)] for request in requests]

    def close(self) -> None:
        """Ends the sandboxes."""
        self._threads.shutdown(cancel_futures=True)
        for box in self._all:
            box.close()

    def _one(self, request: GradeRequest) -> Grade:
        started = time.perf_counter()
        gold = request.gold
        assert isinstance(gold, (StdinGold, CallGold, CheckGold, AssertGold))
        program = extract.program(_text(request.response), _needed(gold), request.question)
        if program is None:
            outcome = Outcome(Status.INCORRECT, "no_code", 0, None)
        elif not extract.parses(program):
            outcome = Outcome(Status.INCORRECT, "syntax_error", 0, None)
        else:
            outcome = self._judge(gold, program, request.question)
        return Grade(
            status=outcome.status,
            reason=outcome.reason,
            extracted=program,
            tests_passed=outcome.passed,
            tests_total=outcome.total,
            cpu_ms=outcome.cpu_s * 1000,
            wall_ms=(time.perf_counter() - started) * 1000,
            grader=CODE_GRADER,
        )

    def _judge(self, gold: CodeGold, program: str, question: str) -> Outcome:
        box = self._boxes.get()
        try:
            for _ in range(_ATTEMPTS):
                try:
                    return self._within_limits(box, gold, program, question)
                except (SandboxBroken, SandboxUnavailable):
                    # One sandbox has started on this machine; that this one did not is trouble, not a lack.
                    box.close()
            return Outcome(Status.UNKNOWN, "sandbox_error")
        finally:
            self._boxes.put(box)

    def _within_limits(self, box: Sandbox, gold: CodeGold, program: str, question: str) -> Outcome:
        limits = Limits(gold.time_limit_s or self._config.code_timeout_s, self._config.memory_mb << 20)
        outcome = judge(box, limits, gold, program, question)
        if outcome.reason not in OUT_OF_TIME or gold.time_limit_s or not gold.reference:
            return outcome
        allowed = self._times.allowed(box, limits, gold, question)
        if allowed is None:
            return Outcome(Status.UNKNOWN, "slow_reference", outcome.passed, outcome.total, outcome.cpu_s)
        return judge(box, allowed, gold, program, question) if allowed.cpu_s > limits.cpu_s else outcome


def _needed(gold: CodeGold) -> list[str]:
    """The names of which a program must define one."""
    if isinstance(gold, CallGold):
        return [gold.fn_name, "Solution"]
    if isinstance(gold, CheckGold):
        return _NAME.findall(gold.entry_point)[:1]
    if isinstance(gold, AssertGold) and (asserts := extract.tree("\n".join(map(str.strip, gold.asserts)))):
        return names_under_test(asserts, extract.defined_names(gold.import_prefix))
    return []


def _text(response: str) -> str:
    return response.encode("utf-8", "replace").decode()


def _identity(request: GradeRequest) -> tuple[str, str, str]:
    return request.gold.model_dump_json(), request.question, request.response
