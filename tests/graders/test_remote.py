"""Programs run by a service elsewhere get the same verdicts; trouble of the service never makes them wrong."""

import json
import socket
from collections.abc import Iterator

import pytest

from hipo_data.graders import Grader, probe_sandbox
from hipo_data.graders.sandbox import remote
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Status
from tests.graders.attacks_by_value import BY_VALUE
from tests.graders.attacks_on_the_verdict import ON_THE_VERDICT
from tests.graders.conftest import code
from tests.graders.honest import HONEST
from tests.graders.run_code_service import Service, response, service
from tests.graders.shapes import golds, source

GOLD = {"inputs": ["41\n", "6\n"], "outputs": ["4242424242\n", "7777777777\n"]}
RIGHT = "print({41: 4242424242, 6: 7777777777}[int(input())])"
SHAPES = ["stdin", "call", "check by driver", "asserts by driver"]


@pytest.fixture(scope="module")
def served() -> Iterator[Service]:
    with service() as made:
        yield made


@pytest.fixture(scope="module")
def far(served: Service) -> Iterator[Grader]:
    config = GradingConfig(workers=2, code_timeout_s=1.0, memory_mb=512, sandbox="remote", sandbox_url=served.url)
    with Grader(config) as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_LONGEST_WAIT_S", 0.01)
    served.asked.clear()
    served.instead.clear()


def test_the_service_never_learns_what_is_expected(served: Service, far: Grader) -> None:
    wrong = "print(input())"
    grade = far.grade(
        [code(GOLD, wrong), code({"fn_name": "f", "inputs": ["1"], "outputs": ["4242424242"]}, "f = abs")]
    )
    assert [item.status for item in grade] == [Status.INCORRECT] * 2
    assert len(served.asked) == 3
    assert not any(answer in json.dumps(served.asked) for answer in ("4242424242", "7777777777"))


@pytest.mark.parametrize("shape", SHAPES)
def test_an_honest_program_is_right(far: Grader, shape: str) -> None:
    grade = far.grade([code(golds()[shape], source(HONEST[0], shape))])[0]
    assert (grade.status, grade.tests_passed, grade.tests_total) == (Status.CORRECT, 4, 4)
    assert grade.cpu_ms > 0


@pytest.mark.long
@pytest.mark.parametrize("shape", ["stdin", "call"])
def test_attacks_are_never_right(far: Grader, shape: str) -> None:
    attacks = [*ON_THE_VERDICT, *BY_VALUE]
    grades = far.grade([code(golds()[shape], source(attack, shape)) for attack in attacks])
    assert [a.name for a, grade in zip(attacks, grades, strict=True) if grade.status is Status.CORRECT] == []


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("while True: pass", "time_limit"),
        ("import time; time.sleep(60)", "time_limit"),
        ("1 / 0", "runtime_error"),
        ("import os; os.abort()", "crashed"),
        ("x = bytearray(1 << 30)", "memory_limit"),
        ("print(RIGHT)", "runtime_error"),
    ],
)
def test_a_wrong_program_is_wrong_for_the_same_reason(far: Grader, grader: Grader, program: str, reason: str) -> None:
    grades = [where.grade([code(GOLD, program)])[0] for where in (far, grader)]
    assert [(grade.status, grade.reason) for grade in grades] == [(Status.INCORRECT, reason)] * 2


@pytest.mark.parametrize(
    "trouble",
    [503, 500, 429, {"status": "SandboxError", "message": "no pod", "run_result": None}, {"detail": "busy"}],
    ids=str,
)
def test_passing_trouble_is_waited_out(served: Service, far: Grader, trouble: object) -> None:
    served.instead[:] = [trouble, trouble]  # type: ignore[list-item]
    assert far.grade([code(GOLD, RIGHT)])[0].status is Status.CORRECT


@pytest.mark.parametrize(
    "trouble",
    [
        503,
        404,
        {"status": "SandboxError", "message": "no pod", "run_result": None},
        response("TimeLimitExceeded", None, ""),
        response("Error", 1, "Traceback"),
        response("Finished", 0, "4242424242\n"),
    ],
    ids=lambda trouble: str(trouble)[:40],
)
def test_lasting_trouble_is_unknown(served: Service, far: Grader, trouble: object) -> None:
    served.instead[:] = [trouble] * 20  # type: ignore[list-item]
    grade = far.grade([code(GOLD, RIGHT)])[0]
    assert (grade.status, grade.reason) == (Status.UNKNOWN, "sandbox_error")


def test_a_service_that_is_not_there_is_unknown() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with Grader(GradingConfig(sandbox="remote", sandbox_url=url)) as nowhere:
        grade = nowhere.grade([code(GOLD, RIGHT)])[0]
    assert (grade.status, grade.reason) == (Status.UNKNOWN, "sandbox_error")


def test_doctor_tries_the_service(served: Service) -> None:
    config = GradingConfig(sandbox="remote", sandbox_url=served.url)
    found = {item.name: item.holds for item in probe_sandbox(config)}
    # The service of these tests does not isolate; what it ends, it ends.
    assert found["sandbox"] and found["processor time"] and not found["files"]
    served.instead[:] = [503] * 20
    assert [item.holds for item in probe_sandbox(config)] == [False]


def test_an_address_is_needed_and_only_for_a_service() -> None:
    for bad in ({"sandbox": "remote"}, {"sandbox_url": "http://localhost:1"}):
        with pytest.raises(ValueError, match="sandbox_url"):
            GradingConfig.model_validate(bad)
