"""Landlock in place of namespaces, chosen on purpose; and the memory limit of control groups where there are some."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hipo_data.graders import Grader, probe_sandbox
from hipo_data.graders.inside import landlock
from hipo_data.graders.sandbox import cgroup
from hipo_data.graders.sandbox.box import Box
from hipo_data.graders.sandbox.run import Limits
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Status
from tests.graders.attacks_by_value import BY_VALUE
from tests.graders.attacks_on_the_verdict import ON_THE_VERDICT
from tests.graders.conftest import PATIENCE_S, code
from tests.graders.honest import HONEST
from tests.graders.shapes import golds, source

SHAPES = ["stdin", "call", "check by driver"]
needs_landlock = pytest.mark.skipif(not landlock.version(), reason="the kernel has no landlock")


@pytest.fixture(scope="module")
def held() -> Iterator[Grader]:
    with Grader(GradingConfig(workers=2, code_timeout_s=1.0, memory_mb=512, sandbox="landlock")) as made:
        yield made


@pytest.fixture(scope="module")
def patiently_held() -> Iterator[Grader]:
    with Grader(GradingConfig(workers=2, code_timeout_s=PATIENCE_S, memory_mb=512, sandbox="landlock")) as made:
        yield made


@needs_landlock
@pytest.mark.parametrize("shape", SHAPES)
def test_honest_programs_are_right_under_landlock(patiently_held: Grader, shape: str) -> None:
    needing_shared_memory = {"multiprocessing pool"}
    programs = [program for program in HONEST if program.name not in needing_shared_memory]
    grades = patiently_held.grade([code(golds()[shape], source(program, shape)) for program in programs])
    wrong = [p.name for p, grade in zip(programs, grades, strict=True) if grade.status is not Status.CORRECT]
    assert wrong == []


@needs_landlock
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param("stdin", marks=pytest.mark.slow),
        pytest.param("call", marks=pytest.mark.long),
        pytest.param("check by driver", marks=pytest.mark.long),
    ],
)
def test_attacks_are_wrong_under_landlock(held: Grader, shape: str) -> None:
    attacks = [*ON_THE_VERDICT, *BY_VALUE]
    grades = held.grade([code(golds()[shape], source(attack, shape)) for attack in attacks])
    assert [a.name for a, grade in zip(attacks, grades, strict=True) if grade.status is Status.CORRECT] == []


@needs_landlock
def test_landlock_keeps_files_sockets_and_other_processes(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("secret")
    program = f"""
import os, socket
def attempt(what):
    try:
        print("reached", what())
    except OSError:
        print("no")
attempt(lambda: open({str(canary)!r}).read())
attempt(lambda: os.listdir({str(tmp_path)!r}))
attempt(lambda: open({str(tmp_path / "new")!r}, "w"))
attempt(lambda: os.unlink({str(canary)!r}))
attempt(lambda: open("/proc/self/environ").read())
attempt(lambda: open("/proc/{os.getpid()}/environ").read())
attempt(lambda: socket.socket())
attempt(lambda: os.kill({os.getpid()}, 0))
open("own", "w").write("fine")
"""
    box = Box(GradingConfig(sandbox="landlock"))
    try:
        with box.run(Limits(2.0, 512 << 20)) as run:
            run.send({"mode": "stdin", "code": program, "isolated": False})
            ended = run.exit()
    finally:
        box.close()
    assert ended.output.decode().splitlines() == ["no"] * 8
    assert ended.code == 0 and canary.read_text() == "secret"


@needs_landlock
def test_doctor_says_what_landlock_does_not_hold() -> None:
    found = {item.name: item.holds for item in probe_sandbox(GradingConfig(sandbox="landlock"))}
    assert all(found[name] for name in ("files", "network", "environment", "read-only runtime", "system calls"))
    assert not found["processes"]


def test_a_memory_group_holds_the_whole_sandbox_and_goes_with_it() -> None:
    probe = cgroup.make(1 << 30)
    if probe is None:
        pytest.skip("no memory controller is delegated to this process")
    limits = [
        path.read_text().strip() for name in ("memory.max", "memory.limit_in_bytes") if (path := probe / name).exists()
    ]
    cgroup.remove(probe)
    assert limits == [str(1 << 30)] and not probe.exists()
    box = Box(GradingConfig())
    box.start()
    group = box._group
    assert group is not None and (group / "cgroup.procs").read_text().split()
    box.close()
    assert not group.exists()
