"""What a program can reach, tried from inside; and that nothing outlives its run, its grader or this process."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hipo_data.graders import Grader, probe_sandbox
from hipo_data.graders.sandbox import seccomp
from hipo_data.graders.sandbox.box import Box
from hipo_data.graders.sandbox.run import Exit, Limits
from hipo_data.schemas.errors import SandboxUnavailable
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Status
from tests.graders.conftest import code

LIMITS = Limits(cpu_s=2.0, memory=512 << 20)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    made = Box(GradingConfig())
    made.start()
    yield made
    made.close()


def run(box: Box, program: str, text: str = "") -> Exit:
    with box.run(LIMITS) as started:
        started.send({"mode": "stdin", "code": program, "isolated": box.isolated}, text.encode())
        return started.exit()


def said(box: Box, program: str, text: str = "") -> str:
    return run(box, program, text).output.decode()


def test_a_program_reads_its_input_and_prints(box: Box) -> None:
    assert said(box, "print(input() + open('/dev/stdin').read())", "a\nb\n") == "aa\nb\n\n"


@pytest.mark.parametrize(
    "program",
    [
        "print(input()); exit(); print(1)",
        "print(input()); quit()",
        "import sys; print(input()); sys.exit()",
        # The usual fast reader of contest programs.
        "import os, sys\nif 'x' in sys.stdin.mode or 'r' not in sys.stdin.mode: 1 / 0\n"
        "print(os.read(sys.stdin.fileno(), max(os.fstat(sys.stdin.fileno()).st_size, 8192)).decode(), end='')",
        "import locale; locale.setlocale(locale.LC_ALL, ''); print(input())",
    ],
)
def test_what_contest_programs_take_for_granted(box: Box, program: str) -> None:
    assert said(box, program, "5\n") == "5\n"


def test_the_environment_is_not_there(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", "canary-value")
    with Grader(GradingConfig()) as grader:
        program = "import os\nprint(any('CANARY' in str(item).upper() for item in os.environ.items()))"
        grade = grader.grade([code({"inputs": [""], "outputs": ["False"]}, program)])[0]
    assert grade.status is Status.CORRECT
    assert "canary-value" not in said(box, "import os; print(os.environ)")


def test_files_outside_cannot_be_reached(box: Box, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("secret")
    canary.chmod(0o666)
    program = """
import os
path = input()
folder = os.path.dirname(path)
for open_it in (lambda: open(path).read(), lambda: os.listdir(folder), lambda: open(path, "w").write("x")):
    try:
        print("reached", open_it())
    except OSError:
        print("no")
print(sorted(os.listdir("/")))
"""
    lines = said(box, program, f"{canary}\n").splitlines()
    assert lines[:3] == ["no"] * 3
    assert lines[3] == "['dev', 'etc', 'lib', 'lib64', 'runtime', 'tmp', 'usr']"
    assert canary.read_text() == "secret"


def test_the_code_of_this_repository_is_not_visible(box: Box) -> None:
    program = """
import os
wanted = ("grader.py", "judge.py", "gold.py", "pyproject.toml", "conftest.py")
names = [os.path.join(folder, name) for folder, _, files in os.walk("/") for name in files
         if name in wanted and not folder.startswith("/runtime/packages/numpy")]
print(names)
"""
    assert said(box, program) == "[]\n"


def test_no_socket_can_be_made(box: Box) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        program = f"""
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})), (socket.AF_UNIX, "/tmp/x")):
    try:
        made = socket.socket(family)
        made.connect(address)
        print("reached")
    except OSError as error:
        print(type(error).__name__)
"""
        assert said(box, program) == "PermissionError\nPermissionError\n"
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_run_leaves_nothing_to_the_next(box: Box) -> None:
    leave = """
import os, sys, threading
open("left", "w").write("x"); open("/tmp/left", "w").write("x"); open("/dev/shm/left", "w").write("x")
sys.modules["left"] = sys
import builtins
builtins.left = "a-string-that-only-this-run-made"
os.environ["LEFT"] = "x"
if os.fork() == 0:
    os.setsid()
    import time
    time.sleep(100)
"""
    assert run(box, leave).code == 0
    look = """
import os, sys, gc, builtins
print([os.path.exists(path) for path in ("left", "/tmp/left", "/dev/shm/left")], "left" in sys.modules)
print(hasattr(builtins, "left"), "LEFT" in os.environ)
part = "a-string-that-only-" + "this-run"
print(any(isinstance(o, dict) and any(isinstance(v, str) and v.startswith(part) and v != part for v in list(o.values()))
          for o in gc.get_objects()))
alive = 0
for pid in range(1, 300):
    try:
        os.kill(pid, 0); alive += 1
    except OSError: pass
print(alive)
opened = 0
for fd in range(256):
    try:
        os.fstat(fd); opened += 1
    except OSError: pass
print(opened)
"""
    assert said(box, look).splitlines() == ["[False, False, False] False", "False False", "False", "1", "4"]


def test_memory_of_an_earlier_run_is_not_inherited(box: Box) -> None:
    """The server forks anew for every run and never holds what a run was given."""
    secret = "q7" * 40
    run(box, f"text = {secret!r}", secret)
    program = """
import gc
secret = ("q" + "7").encode() * 20
hits = [o for o in gc.get_objects() if isinstance(o, (bytes, bytearray)) and secret in o]
print(len(hits))
"""
    assert said(box, program) == "0\n"


def test_runs_at_the_same_time_do_not_see_each_other(box: Box) -> None:
    with box.run(LIMITS) as first, box.run(LIMITS) as second:
        first.send(
            {
                "mode": "serve",
                "setup": "",
                "nonce": "",
                "code": "import os\nopen('/tmp/a', 'w').write('a')\ndef f(): return 1",
            }
        )
        first.send({"requests": [{"target": "f", "args": [], "kwargs": []}]})
        first.receive()
        attack = """
import os, signal
print(os.path.exists("/tmp/a"))
os.kill(0, signal.SIGKILL)
try: os.kill(-1, 9)
except OSError: print("none")
"""
        second.send({"mode": "stdin", "code": attack, "isolated": True})
        assert second.exit().output == b"False\nnone\n"
        first.send({"requests": [{"target": "f", "args": [], "kwargs": []}]})
        assert first.receive()["ok"] == 1


def test_system_calls_are_filtered(box: Box) -> None:
    program = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    result = libc.syscall(number, *args)
    return ctypes.get_errno() if result < 0 else "done"
# ptrace, unshare, mount, setns, process_vm_readv, keyctl, bpf, io_uring_setup, userfaultfd, memfd_create,
# perf_event_open
for number in (101, 272, 165, 308, 310, 250, 321, 425, 323, 319, 298):
    print(call(number, 0, 0, 0, 0, 0, 0))
print(call(56, 0x10000011, 0, 0, 0, 0), call(435, 0, 0))
print(os.getuid(), open("/dev/null").read() == "")
"""
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers above are those of x86-64")
    lines = said(box, program).splitlines()
    assert lines == ["1"] * 11 + ["1 38", "65534 True"]


def test_the_filter_is_known_for_both_processors() -> None:
    assert len(seccomp.program("x86_64")) % 8 == len(seccomp.program("aarch64")) % 8 == 0
    with pytest.raises(seccomp.FilterUnavailable):
        seccomp.program("sparc")


def test_every_protection_holds_here() -> None:
    found = probe_sandbox(GradingConfig())
    assert len(found) > 10
    assert [item for item in found if not item.holds] == []


def test_a_missing_sandbox_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    request = code({"inputs": [""], "outputs": ["1"]}, "print(1)")
    with (
        Grader(GradingConfig()) as grader,
        pytest.raises(SandboxUnavailable, match=r"install bubblewrap.*sandbox: none"),
    ):
        grader.grade([request])
    assert [item.holds for item in probe_sandbox(GradingConfig())] == [False]


def test_without_isolation_programs_still_run_and_are_ended() -> None:
    with Grader(GradingConfig(sandbox="none", code_timeout_s=1.0)) as grader:
        gold = {"inputs": ["1\n"], "outputs": ["2\n"]}
        leave = "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(7331)\nprint(2)"
        grades = grader.grade(
            [code(gold, "print(int(input()) + 1)"), code(gold, leave), code(gold, "while True: pass")]
        )
        assert [grade.status for grade in grades] == [Status.CORRECT, Status.CORRECT, Status.INCORRECT]
        assert grades[2].reason == "time_limit"


PARENT = """
import sys, time
from hipo_data.graders import Grader, parse_gold
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.grading import GradeRequest, GradingConfig
import threading
def work():
    with Grader(GradingConfig(workers=2, code_timeout_s=100, math_timeout_s=100)) as grader:
        gold = parse_gold("code", {"inputs": ["", ""], "outputs": ["1", "2"]})
        program = "```python\\nimport os, time\\nprint(1)\\nwhile True: pass\\n```"
        grader.grade([GradeRequest(id="m", kind="math", question="", gold=MathGold(answers=["x+y"]), response="$y+x$")])
        print("ready", flush=True)
        same = dict(kind="code", gold=gold, response=program)
        grader.grade([GradeRequest(id=str(n), question=str(n), **same) for n in (1, 2)])
threading.Thread(target=work).start()
time.sleep(1000)
"""


def test_nothing_outlives_a_killed_parent(repo_root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None and parent.stdout.readline() == b"ready\n"
    deadline = time.monotonic() + 20
    while len(_descendants(parent.pid)) < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    children = _descendants(parent.pid)
    assert len(children) >= 6
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in children if _alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [Path(f"/proc/{pid}/status").read_text() for pid in left] == []


def test_the_sandbox_outlives_the_thread_that_started_it() -> None:
    with Grader(GradingConfig()) as grader:
        gold = {"inputs": ["1\n"], "outputs": ["2\n"]}
        results: list[Status] = []
        for number in range(3):
            request = code(gold, f"print(int(input()) + 1) # {number}")
            thread = threading.Thread(target=lambda r=request: results.append(grader.grade([r])[0].status))
            thread.start()
            thread.join()
        assert results == [Status.CORRECT] * 3
        box = grader._code._all[0]  # type: ignore[union-attr]
        assert box._process is not None and box._process.poll() is None


def test_a_sandbox_that_ends_is_replaced() -> None:
    with Grader(GradingConfig()) as grader:
        request = code({"inputs": ["1\n"], "outputs": ["2\n"]}, "print(int(input()) + 1)")
        assert grader.grade([request])[0].status is Status.CORRECT
        process = grader._code._all[0]._process  # type: ignore[union-attr]
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert grader.grade([request])[0].status is Status.CORRECT


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        try:
            for thread in os.listdir(f"/proc/{member}/task"):
                found += map(int, Path(f"/proc/{member}/task/{thread}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found[1:]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
