"""Runs a program against its tests, and says how it fared. Expected values stay on this side."""

import ast
import builtins
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from graders.code import cases, output
from graders.code.cases import Case, NotACase
from graders.code.extract import defined_names, parses
from graders.inside import prelude, wire
from graders.inside.equality import same
from graders.sandbox.box import Box
from graders.sandbox.run import Exceeded, Limits, Run, SandboxBroken
from schemas.gold import AssertGold, CallGold, CheckGold, CodeGold, StdinGold
from schemas.records import Status

_TOTAL_FACTOR = 20
"""A program that passes its tests slowly may use this many times the limit of one test, in all."""


@dataclass
class Outcome:
    """A verdict on one program. `passed` counts the tests before the first that failed."""

    status: Status
    reason: str
    passed: int | None = None
    total: int | None = None
    cpu_s: float = 0.0


def judge(box: Box, limits: Limits, gold: CodeGold, program: str, question: str) -> Outcome:
    """The outcome of `program` under `gold`. Raises `SandboxBroken` and `SandboxUnavailable`."""
    if isinstance(gold, StdinGold):
        return _stdin(box, limits, gold, program)
    if isinstance(gold, CallGold):
        try:
            made = [_call_case(gold, index) for index in range(len(gold.inputs))]
        except ValueError:
            return Outcome(Status.UNKNOWN, "bad_tests")
        return _calls(box, limits, made, program, gold.import_prefix)
    helpers = _helpers(question, gold)
    try:
        if isinstance(gold, CheckGold):
            made = cases.check_cases(gold.test_code, gold.entry_point)
        else:
            made = cases.assert_cases(gold.asserts, _not_the_candidates(gold))
    except NotACase:
        return _drive(box, limits, gold, program, helpers)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Outcome(Status.UNKNOWN, "bad_tests")
    return _calls(box, limits, made, program, f"{gold.import_prefix}\n{helpers}")


def _stdin(box: Box, limits: Limits, gold: StdinGold, program: str) -> Outcome:
    total, cpu = len(gold.inputs), 0.0
    for passed, (text, expected) in enumerate(zip(gold.inputs, gold.outputs, strict=True)):
        with box.run(limits) as run:
            try:
                job = {"mode": "stdin", "code": program, "isolated": box.isolated}
                run.send(job, text.encode("utf-8", "surrogateescape"))
                ended = run.exit()
            except Exceeded as stop:
                return _stopped(stop, passed, total, cpu)
            cpu += ended.cpu_s
            reason = _exit_reason(ended.code, ended.truncated, run)
            if reason is None and not output.matches(expected, ended.output.decode("utf-8", "replace")):
                reason = "wrong_output"
        if reason is not None:
            return Outcome(Status.INCORRECT, reason, passed, total, cpu)
        if cpu > _TOTAL_FACTOR * limits.cpu_s:
            return Outcome(Status.UNKNOWN, "too_long", passed + 1, total, cpu)
    return Outcome(Status.CORRECT, "passed", total, total, cpu)


def _exit_reason(code: int, truncated: bool, run: Run) -> str | None:
    if truncated:
        return "output_limit"
    if code == 0:
        return None
    if code < 0:
        return "time_limit" if code == -24 else "crashed"
    return _load_reason(run.last_words())


def _call_case(gold: CallGold, index: int) -> Case:
    lines = [line for line in gold.inputs[index].split("\n") if line.strip()]
    expected = json.loads(gold.outputs[index])
    request = cases.request(gold.fn_name, [json.loads(line) for line in lines], {})
    return Case(request, lambda got: same(expected, got, sequences=True))


def _calls(box: Box, limits: Limits, made: Sequence[Case], program: str, setup: str) -> Outcome:
    """Sends all calls in one batch and judges the replies as they come, up to the first that is wrong."""
    total, passed, nonce = len(made), 0, secrets.token_hex(8)
    with box.run(limits) as run:
        try:
            run.send({"mode": "serve", "setup": setup, "code": program, "nonce": nonce})
            run.send({"requests": [case.request for case in made]})
            for index, case in enumerate(made):
                reason = _reply_reason(run.receive(), index, nonce, case.holds)
                if reason is not None:
                    return Outcome(Status.INCORRECT, reason, passed, total, run.cpu_s)
                passed += 1
        except Exceeded as stop:
            return _stopped(stop, passed, total, 0.0)
        except (EOFError, ConnectionError):
            return Outcome(Status.INCORRECT, _silence(run), passed, total, run.cpu_s)
        except (wire.WireError, RecursionError):
            return Outcome(Status.INCORRECT, "bad_reply", passed, total, run.cpu_s)
        return Outcome(Status.CORRECT, "passed", total, total, run.spent())


def _reply_reason(reply: Any, index: int, nonce: str, holds: Callable[[Any], bool]) -> str | None:
    if not isinstance(reply, dict):
        return "bad_reply"
    if "load_error" in reply or "error" in reply:
        return _load_reason(reply)
    if reply.get("i") != index or reply.get("nonce") != nonce or "ok" not in reply:
        return "bad_reply"
    try:
        return None if holds(wire.decode(reply["ok"])) else "wrong_result"
    except wire.WireError:
        return "bad_reply"
    except (TypeError, ValueError, ArithmeticError):
        return "bad_type"


def _load_reason(reply: Any) -> str:
    kind = (reply.get("load_error") or reply.get("error")) if isinstance(reply, dict) else None
    named = {"MemoryError": "memory_limit", "SyntaxError": "syntax_error", "WireError": "bad_type"}
    if kind == "NameError" and "load_error" not in reply and "is not defined" in str(reply.get("text")):
        return "runtime_error"
    return named.get(str(kind), "runtime_error")


def _silence(run: Run) -> str:
    """Why a program stopped answering."""
    try:
        ended = run.exit()
    except Exceeded as stop:
        return stop.reason
    return "time_limit" if ended.code == -24 else "crashed" if ended.code < 0 else "exited"


def _drive(box: Box, limits: Limits, gold: CheckGold | AssertGold, program: str, helpers: str) -> Outcome:
    """Runs the gold's own test code in one sandbox and the candidate in another, and carries calls between them."""
    try:
        job = _driver_job(gold, program, helpers)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Outcome(Status.UNKNOWN, "bad_tests")
    nonce, setup = secrets.token_hex(8), f"{gold.import_prefix}\n{helpers}"
    with box.run(limits) as driver, box.run(limits) as run:
        driver.send(job)
        try:
            run.send({"mode": "serve", "setup": setup, "code": program, "nonce": nonce})
            index = 0
            while True:
                message = _from_driver(driver)
                if "outcome" in message:
                    return _driven(message, run.spent())
                run.send({"requests": [message["request"]]})
                reply = run.receive()
                if not isinstance(reply, dict) or "load_error" in reply:
                    return Outcome(Status.INCORRECT, _load_reason(reply), 0, None, run.cpu_s)
                if reply.get("i") != index or reply.get("nonce") != nonce:
                    return Outcome(Status.INCORRECT, "bad_reply", None, None, run.cpu_s)
                index += 1
                driver.send({key: reply[key] for key in ("ok", "error", "text", "after") if key in reply})
        except Exceeded as stop:
            return _stopped(stop, None, None, 0.0)
        except (EOFError, ConnectionError):
            return Outcome(Status.INCORRECT, _silence(run), None, None, run.cpu_s)
        except (wire.WireError, RecursionError):
            return Outcome(Status.INCORRECT, "bad_reply", None, None, run.cpu_s)


def _from_driver(driver: Run) -> Any:
    try:
        return driver.receive()
    except Exceeded as stop:
        # The tests themselves take too long: that says nothing of the candidate, which is waiting for a call.
        raise SandboxBroken(f"the tests exceeded their {stop.reason}") from stop
    except (EOFError, OSError, wire.WireError) as error:
        raise SandboxBroken(f"the test driver ended: {error!r}") from error


def _driven(message: Any, cpu_s: float) -> Outcome:
    passed, outcome = message["passed"], message["outcome"]
    if outcome == "passed":
        return Outcome(Status.CORRECT, "passed", passed, passed, cpu_s)
    if outcome == "broken":
        return Outcome(Status.UNKNOWN, "bad_tests", None, None, cpu_s)
    return Outcome(Status.INCORRECT, "runtime_error" if outcome == "error" else "wrong_result", passed, None, cpu_s)


def _driver_job(gold: CheckGold | AssertGold, program: str, helpers: str) -> dict[str, Any]:
    test = gold.test_code if isinstance(gold, CheckGold) else "\n".join(gold.asserts)
    tree = ast.parse(test)
    if isinstance(gold, CheckGold):
        tree.body = [node for node in tree.body if not _calls_check(node)]
        proxies: list[str] = []
    else:
        proxies = _free_names(tree, defined_names(f"{gold.import_prefix}\n{helpers}"), defined_names(program))
    entry = gold.entry_point if isinstance(gold, CheckGold) else None
    return {
        "mode": "drive",
        "setup": f"{gold.import_prefix}\n{helpers}",
        "test": ast.unparse(tree),
        "entry": entry,
        "proxies": proxies,
    }


def _free_names(tree: ast.Module, known: set[str], candidates: set[str]) -> list[str]:
    """The names in assert statements that only the candidate can define."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)} | known | defined_names(ast.unparse(tree))
    loaded = dict.fromkeys(node.id for node in names if node.id not in bound and not hasattr(builtins, node.id))
    usual = prelude_names()
    free = [name for name in loaded if name not in usual]
    return free or [name for name in loaded if name in candidates]


@cache
def prelude_names() -> frozenset[str]:
    """The names that programs may use without importing them."""
    return frozenset(prelude.names())


def _not_the_candidates(gold: AssertGold) -> set[str]:
    return set(dir(builtins)) | defined_names(gold.import_prefix)


def _calls_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check"


def _helpers(question: str, gold: CheckGold | AssertGold) -> str:
    """Functions that the question gives beside the one that is asked for; tests and programs may use them."""
    if not parses(question):
        return ""
    asked = gold.entry_point if isinstance(gold, CheckGold) else ""
    kept = [
        node
        for node in ast.parse(question).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        or (isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name != asked and _has_body(node))
    ]
    return "\n".join(map(ast.unparse, kept))


def _has_body(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(not isinstance(part, (ast.Pass, ast.Expr)) for part in node.body)


def _stopped(stop: Exceeded, passed: int | None, total: int | None, cpu_s: float) -> Outcome:
    status = Status.UNKNOWN if stop.reason == "starved" else Status.INCORRECT
    return Outcome(status, stop.reason, passed, total, cpu_s + stop.cpu_s)
