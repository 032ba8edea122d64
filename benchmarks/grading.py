"""Verdicts and runs per second of the graders, beside the plain ways of doing the same, on two cores.

math: against a loop of math_verify.parse and verify over real answers with their repetition.
code: against one fresh isolated interpreter, with the usual contest imports, per test.
evalplus: against evalplus's untrusted_check, which does not isolate, on HumanEval.
poisoned: what 1 % of programs that use up their time add, beside their own limits spread over the workers.

Both sides of a ratio do the same work in each of several rounds, taking turns at going first; the median counts.
Needs real problems in ../shared/data/real (or the folder given as the first argument). Ends with a line of JSON.
"""

import ast
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hipo_data.graders import Grader, parse_gold
from hipo_data.graders.code import cases
from hipo_data.graders.inside import prelude, wire
from hipo_data.graders.sandbox import runtime
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.grading import GradeRequest, GradingConfig

PEERS = {"math": "math-verify", "evalplus": "evalplus"}
GOALS = {"math": 5.0, "code": 4.0, "evalplus": 1.0}
WORKERS = 2
ROUNDS = 5
POISON_LIMIT_S = 1.0
PROGRAMS = 60
LIGHT_MS = 50.0
SAMPLES = 4
"""Responses to each MATH problem: the gold, as a model would repeat it, in another form, and a wrong one."""


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data" / "real"
    if not data.is_dir():
        sys.exit(f"no real data at {data}; give its folder as the first argument")
    ratios = {"math": math_ratio(data), "code": code_ratio(data), "evalplus": evalplus_ratio(data)}
    poisoned = poisoned_share(data)
    print(json.dumps({"benchmark": "grading", "ratio": ratios, "goal": GOALS, "peer": PEERS, "poisoned": poisoned}))


def math_ratio(data: Path) -> float:
    requests = _math_requests(data)
    pairs = [(request.gold.answers[0], request.response) for request in requests]
    context = multiprocessing.get_context("spawn")
    said: dict[str, Any] = {}

    def plain() -> float:
        with context.Pool(WORKERS) as pool:
            pool.map(_plain_math, [pairs[:2]] * WORKERS)
            seconds, halves = _timed(lambda: pool.map(_plain_math, [pairs[0::2], pairs[1::2]]))
        said["plain"] = [False] * len(pairs)
        said["plain"][0::2], said["plain"][1::2] = halves
        return seconds

    def ours() -> float:
        with Grader(GradingConfig(workers=WORKERS)) as grader:
            grader.grade([_math(r"x+y", r"\boxed{y+x}"), _math(r"x+z", r"\boxed{z+x}")])
            seconds, said["ours"] = _timed(lambda: grader.grade(requests))
        return seconds

    ratio = _median_ratio("math", len(pairs), plain, ours)
    grades, plain_verdicts = said["ours"], said["plain"]
    changed = [
        (request.gold.answers[0], grade.extracted, said, grade.status.value)
        for request, grade, said in zip(requests, grades, plain_verdicts, strict=True)
        if said != (grade.status == "correct")
    ]
    for gold, answer, said, status in changed[:40]:
        print(f"  changed: gold {gold!r}, answer {str(answer)[:80]!r}: {said} became {status}")
    print(f"math: {len(changed)} verdicts differ")
    return ratio


def code_ratio(data: Path) -> float:
    programs = []
    for row in _rows(data / "leetcode.jsonl"):
        gold = parse_gold("code", {"test_code": row["tests"]["functional"]})
        try:
            cases.check_cases(gold.test_code, gold.entry_point)
        except cases.NotACase:
            continue
        if "_node(" in gold.test_code or len(programs) == PROGRAMS:
            continue
        check = next(node for node in ast.parse(gold.test_code).body if isinstance(node, ast.FunctionDef))
        check.body = check.body[:1]
        programs.append((row["solutions"], ast.unparse(check), gold.entry_point))
    requests = [
        _code({"test_code": check, "entry_point": entry}, solution, str(number))
        for number, (solution, check, entry) in enumerate(programs)
    ]
    # What is measured is the cost of a run; a program that computes for long would drown it on both sides.
    with Grader(GradingConfig(workers=WORKERS)) as grader:
        light = [grade.cpu_ms < LIGHT_MS for grade in grader.grade(requests)]
    requests = [request for request, keep in zip(requests, light, strict=True) if keep]
    programs = [program for program, keep in zip(programs, light, strict=True) if keep]
    command = _isolated_interpreter()
    scripts = [
        f"{_IMPORTS}\n{_NODES}\n{solution}\n{check}\ncheck({entry})\nprint('passed')"
        for solution, check, entry in programs
    ]

    def fresh(script: str) -> bool:
        done = subprocess.run(command, input=script, env={}, capture_output=True, text=True, check=False)
        return done.stdout == "passed\n"

    with ThreadPoolExecutor(WORKERS) as threads:
        return _compare("code", requests, lambda: list(threads.map(fresh, scripts)))


def evalplus_ratio(data: Path) -> float:
    requests, tasks = [], []
    for row in _rows(data / "humaneval.jsonl"):
        gold = {"test_code": row["test"], "entry_point": row["entry_point"]}
        try:
            made = cases.check_cases(row["test"], "candidate")
        except cases.NotACase:
            continue
        program = row["prompt"] + row["canonical_solution"]
        inputs = [[wire.decode(value) for value in case.request["args"]] for case in made]
        names: dict[str, Any] = {}
        exec(program, names)
        expected = [names[row["entry_point"]](*json.loads(json.dumps(args))) for args in inputs]
        requests.append(_code(gold, program, row["task_id"], row["prompt"]))
        tasks.append((program, inputs, row["entry_point"], expected))
    context = multiprocessing.get_context("spawn")
    with ThreadPoolExecutor(WORKERS) as threads:
        workers = [_EvalplusWorker(context) for _ in range(WORKERS)]

        def plain() -> list[bool]:
            halves = list(
                threads.map(lambda pair: pair[0].check(pair[1]), zip(workers, (tasks[0::2], tasks[1::2]), strict=True))
            )
            return [said for half in halves for said in half]

        try:
            return _compare("evalplus", requests, plain)
        finally:
            for worker in workers:
                worker.close()


class _EvalplusWorker:
    """A process of its own that may have children, which the workers of a pool may not."""

    def __init__(self, context: Any) -> None:
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve_evalplus, args=(other,))
        self._process.start()
        self.check([])

    def check(self, tasks: list[Any]) -> list[bool]:
        self._connection.send(tasks)
        said: list[bool] = self._connection.recv()
        return said

    def close(self) -> None:
        self._connection.send(None)
        self._process.join()


def _serve_evalplus(connection: Any) -> None:
    from evalplus.eval import PASS, untrusted_check

    # untrusted_check starts a process for each program; forking is its fastest way.
    multiprocessing.set_start_method("fork", force=True)
    while (tasks := connection.recv()) is not None:
        said = [
            untrusted_check("humaneval", code, inputs, entry, expected, 0, [0.01] * len(inputs), True)[0] == PASS
            for code, inputs, entry, expected in tasks
        ]
        connection.send(said)


def poisoned_share(data: Path) -> float:
    """The time that 1 % of endless programs add, by what they took themselves, spread over the workers; about 1."""
    rows = _rows(data / "humaneval.jsonl")[:50]
    requests = [
        _code({"test_code": row["test"], "entry_point": row["entry_point"]}, text, f"{row['task_id']}/{copy}")
        for copy in range(4)
        for row in rows
        for text in [f"# {copy}\n{row['prompt']}{row['canonical_solution']}"]
    ]
    stuck = [_code({"fn_name": "f", "inputs": ["1"], "outputs": ["1"]}, f"def f(x):\n    while {n + 1}: pass", str(n))
             for n in range(len(requests) // 100)]  # fmt: skip
    with Grader(GradingConfig(workers=WORKERS, code_timeout_s=POISON_LIMIT_S)) as grader:
        grader.grade(requests[: 2 * WORKERS])
        added = []
        for _ in range(ROUNDS):
            healthy, _ = _timed(lambda: grader.grade(requests))
            poisoned, grades = _timed(lambda: grader.grade([*stuck, *requests]))
            own = sum(grade.wall_ms for grade in grades[: len(stuck)]) / 1000 / WORKERS
            added.append((poisoned - healthy) / own)
            print(
                f"poisoned: {len(stuck)} of {len(requests)} programs stuck, {own:.2f} s a worker, add {added[-1]:.2f}"
            )
    return statistics.median(added)


def _compare(name: str, requests: Sequence[GradeRequest], plain: Callable[[], list[bool]]) -> float:
    """The median ratio of `plain` to grading the requests; prints how many each found right."""
    with Grader(GradingConfig(workers=WORKERS)) as grader:
        right = sum(grade.status == "correct" for grade in grader.grade(requests))
        print(f"{name}: {sum(plain())} right by the plain way, {right} by ours")
        return _median_ratio(
            name, len(requests), lambda: _timed(plain)[0], lambda: _timed(lambda: grader.grade(requests))[0]
        )


def _median_ratio(name: str, items: int, plain: Callable[[], float], ours: Callable[[], float]) -> float:
    """The median of plain seconds by our seconds, over rounds in which the two take turns at going first."""
    ratios = []
    for number in range(ROUNDS):
        if number % 2:
            fast, slow = ours(), plain()
        else:
            slow, fast = plain(), ours()
        ratios.append(slow / fast)
        print(f"{name}: {items} items, plain {items / slow:.0f}/s, ours {items / fast:.0f}/s, ratio {slow / fast:.2f}")
    return statistics.median(ratios)


def _math_requests(data: Path) -> list[GradeRequest]:
    requests = []
    for row in _rows(data / "gsm8k_model_solutions.jsonl"):
        gold = row["ground_truth"].rsplit("A: ", 1)[1]
        for value in row.values():
            if isinstance(value, dict):
                requests.append(_math(gold, value["solution"].replace("\nA: ", "\nThe answer is "), row["question"]))
    rows = _rows(data / "math_train.jsonl")[:400]
    for number, row in enumerate(rows):
        gold = row["answer"]
        wrong = rows[(number + 200) % len(rows)]["answer"]
        forms = [gold, gold, gold.replace(r"\frac", r"\dfrac").replace(" ", ""), wrong][:SAMPLES]
        requests += [_math(gold, rf"We find that the answer is $\boxed{{{form}}}$.", row["problem"]) for form in forms]
    return requests


def _plain_math(pairs: list[tuple[str, str]]) -> list[bool]:
    import logging

    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    return [bool(verify(parse(rf"\boxed{{{gold}}}"), parse(response))) for gold, response in pairs]


_IMPORTS = (
    "\n".join(f"from {name} import *" for name in prelude.STARRED) + "\nfrom builtins import *\nimport "
    "math, datetime, re, string, collections, heapq, bisect, itertools, functools, random, copy"
)
_NODES = "class ListNode: pass\nclass TreeNode: pass\n"


def _isolated_interpreter() -> list[str]:
    """bubblewrap with the same view of the machine as the sandbox, around a fresh interpreter that reads a script."""
    boot = f"import sys; sys.path.append({runtime.PACKAGES!r}); exec(sys.stdin.read())"
    return runtime.command(boot, runtime.binds())


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _math(gold: str, response: str, question: str = "") -> GradeRequest:
    return GradeRequest(id="", kind="math", question=question, gold=MathGold(answers=[gold]), response=response)


def _code(gold: dict[str, Any], program: str, name: str, question: str = "") -> GradeRequest:
    fenced = f"```python\n{program}\n```"
    return GradeRequest(id=name, kind="code", question=question, gold=parse_gold("code", gold), response=fenced)


if __name__ == "__main__":
    main()
