"""Runs a program against its tests, and says how it fared. Expected values stay on this side."""

import ast
import json
import secrets
from dataclasses import replace
from typing import Any

from hipo_data.graders.code import output
from hipo_data.graders.code.cases import Case
from hipo_data.graders.code.check import Test, check
from hipo_data.graders.code.comparison import Comparison, comparison
from hipo_data.graders.code.drive import drive
from hipo_data.graders.code.extract import tree
from hipo_data.graders.code.outcome import (
    SEVERAL_ANSWERS,
    TOTAL_FACTOR,
    Outcome,
    Tally,
    is_last_reply,
    load_reason,
    silence,
)
from hipo_data.graders.code.plan import Calls, Unrunnable, plan
from hipo_data.graders.code.several import may_be_another, may_be_another_output
from hipo_data.graders.inside import wire
from hipo_data.graders.sandbox.interface import Sandbox, SandboxRun
from hipo_data.graders.sandbox.run import Exceeded, Limits
from hipo_data.schemas.gold import AssertGold, CheckGold, CodeGold, StdinGold
from hipo_data.schemas.records import Status

_COSTLY = ("output_limit", "memory_limit", "time_limit")
_CHECKED_AT_ONCE = 32
_KEPT_CHARS = 32 << 20
"""What outputs that wait for a checker may take, in all."""


def judge(box: Sandbox, limits: Limits, gold: CodeGold, program: str, question: str) -> Outcome:
    """The outcome of `program` under `gold`. Raises `SandboxBroken` and `SandboxUnavailable`."""
    rules = comparison(gold, question)
    helpers = "" if not isinstance(gold, (CheckGold, AssertGold)) else _helpers(question, gold)
    try:
        planned = plan(gold, helpers, rules)
    except Unrunnable:
        return Outcome(Status.UNKNOWN, "bad_tests")
    if isinstance(gold, StdinGold):
        return _stdin(box, limits, gold, program, rules)
    if isinstance(planned, Calls):
        return _calls(box, limits, planned, program, rules, gold.checker)
    assert planned is not None
    outcome = drive(box, limits, planned, program)
    if rules.several and planned.equates and outcome.reason == "wrong_result":
        return replace(outcome, status=Status.UNKNOWN, reason=SEVERAL_ANSWERS)
    return outcome


def _stdin(box: Sandbox, limits: Limits, gold: StdinGold, program: str, rules: Comparison) -> Outcome:
    tally = Tally(len(gold.inputs))
    waiting: list[Test] = []

    def judge_waiting() -> None:
        for said in check(box, limits, gold.checker, waiting, "wrong_output") if gold.checker is not None else ():
            tally.count(said)
        waiting.clear()

    for place, (text, expected) in enumerate(zip(gold.inputs, gold.outputs, strict=True), start=1):
        try:
            with box.run(limits) as run:
                job = {"mode": "stdin", "code": program, "isolated": box.isolated}
                run.send(job, text.encode("utf-8", "surrogateescape"))
                ended = run.exit()
                tally.spend(ended.cpu_s)
                reason = _exit_reason(ended.code, ended.truncated, run)
        except Exceeded as stop:
            judge_waiting()
            return tally.stopped(stop)
        if reason is None and gold.checker is not None:
            waiting.append((text, expected, ended.output.decode("utf-8", "replace")))
        else:
            printed = "" if reason else ended.output.decode("utf-8", "replace")
            tally.count(reason or _output_reason(expected, printed, rules))
        if _are_enough(waiting, place == tally.total):
            judge_waiting()
        if tally.failed and (reason in _COSTLY or tally.cpu_s > limits.cpu_s):
            judge_waiting()
            break
        if tally.cpu_s > TOTAL_FACTOR * limits.cpu_s and place < tally.total:
            return tally.outcome(Status.UNKNOWN, "too_long")
    return tally.outcome()


def _are_enough(waiting: list[Test], last: bool) -> bool:
    """Whether outputs should wait no longer for the checker."""
    return last or len(waiting) >= _CHECKED_AT_ONCE or sum(len(printed) for *_, printed in waiting) > _KEPT_CHARS


def _output_reason(expected: str, printed: str, rules: Comparison) -> str | None:
    if output.matches(expected, printed, rules):
        return None
    return SEVERAL_ANSWERS if rules.several and may_be_another_output(expected, printed) else "wrong_output"


def _exit_reason(code: int, truncated: bool, run: SandboxRun) -> str | None:
    if truncated:
        return "output_limit"
    if code == 0:
        return None
    if code < 0:
        return "time_limit" if code == -24 else "crashed"
    return load_reason(run.last_words())


def _calls(
    box: Sandbox, limits: Limits, planned: Calls, program: str, rules: Comparison, checker: str | None
) -> Outcome:
    """Sends all calls in one batch and judges the replies as they come."""
    tally, nonce = Tally(len(planned.cases)), secrets.token_hex(8)
    waiting: list[Test] = []
    kept = 0
    stopped: Exceeded | None = None
    with box.run(limits) as run:
        try:
            run.send(
                {"mode": "serve", "setup": planned.setup, "tested": planned.tested, "code": program, "nonce": nonce}
            )
            run.send({"requests": [case.request for case in planned.cases]})
            for index, case in enumerate(planned.cases):
                reply = run.receive()
                reason, got = _result(reply, index, nonce)
                if reason is None and checker is not None:
                    waiting.append((case.request["args"], wire.encode(*case.expected), reply["ok"]))
                    kept += len(json.dumps(reply["ok"]))
                    if kept > _KEPT_CHARS:
                        tally.count("output_limit")
                else:
                    tally.count(reason or _result_reason(got, case, rules))
                if tally.failed and (is_last_reply(reply) or run.cpu_s > limits.cpu_s):
                    break
        except Exceeded as stop:
            stopped = stop
        except (EOFError, ConnectionError):
            tally.count(silence(run))
        except (wire.WireError, RecursionError):
            tally.count("bad_reply")
        if stopped is None:
            tally.spend(run.spent())
    for said in check(box, limits, checker, waiting, "wrong_result") if checker else ():
        tally.count(said)
    return tally.outcome() if stopped is None else tally.stopped(stopped)


def _result(reply: Any, index: int, nonce: str) -> tuple[str | None, Any]:
    """Why a reply holds no result, or the result."""
    if not isinstance(reply, dict):
        return "bad_reply", None
    if "load_error" in reply or "error" in reply:
        return load_reason(reply), None
    if reply.get("i") != index or reply.get("nonce") != nonce or "ok" not in reply:
        return "bad_reply", None
    try:
        return None, wire.decode(reply["ok"], _nothing_is_kept)
    except wire.WireError:
        return "bad_reply", None


def _nothing_is_kept(number: int) -> Any:
    raise wire.WireError("a value that stays with the program is no result")


def _result_reason(got: Any, case: Case, rules: Comparison) -> str | None:
    try:
        if case.holds(got):
            return None
        several = rules.several and any(may_be_another(expected, got) for expected in case.expected)
        return SEVERAL_ANSWERS if several else "wrong_result"
    except (TypeError, ValueError, ArithmeticError):
        return "bad_type"


def _helpers(question: str, gold: CheckGold | AssertGold) -> str:
    """Functions that the question gives beside the one that is asked for; tests and programs may use them."""
    given = tree(question)
    if given is None:
        return ""
    asked = gold.entry_point if isinstance(gold, CheckGold) else ""
    kept = [
        node
        for node in given.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        or (isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name != asked and _has_body(node))
    ]
    return "\n".join(map(ast.unparse, kept))


def _has_body(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(not isinstance(part, (ast.Pass, ast.Expr)) for part in node.body)
