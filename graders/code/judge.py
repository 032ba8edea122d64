"""Runs a program against its tests, and says how it fared. Expected values stay on this side."""

import ast
import builtins
import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from hipo_data.graders.code import cases, output
from hipo_data.graders.code.cases import Case, NotACase
from hipo_data.graders.code.comparison import Comparison, comparison
from hipo_data.graders.code.drive import drive
from hipo_data.graders.code.extract import defined_names, parses
from hipo_data.graders.code.outcome import TOTAL_FACTOR, Outcome, Tally, is_last_reply, load_reason, silence
from hipo_data.graders.inside import wire
from hipo_data.graders.sandbox.interface import Sandbox, SandboxRun
from hipo_data.graders.sandbox.run import Exceeded, Limits
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, CodeGold, StdinGold
from hipo_data.schemas.records import Status

_COSTLY = ("output_limit", "memory_limit", "time_limit")


def judge(box: Sandbox, limits: Limits, gold: CodeGold, program: str, question: str) -> Outcome:
    """The outcome of `program` under `gold`. Raises `SandboxBroken` and `SandboxUnavailable`."""
    rules = comparison(gold, question)
    if isinstance(gold, StdinGold):
        return _stdin(box, limits, gold, program, rules)
    if isinstance(gold, CallGold):
        try:
            made = [_call_case(gold, index, rules) for index in range(len(gold.inputs))]
        except ValueError:
            return Outcome(Status.UNKNOWN, "bad_tests")
        return _calls(box, limits, made, program, gold.import_prefix)
    helpers = _helpers(question, gold)
    try:
        if isinstance(gold, CheckGold):
            made = cases.check_cases(gold.test_code, gold.entry_point, rules.alike)
        else:
            made = cases.assert_cases(gold.asserts, _not_the_candidates(gold), rules.alike)
    except NotACase:
        return drive(box, limits, gold, program, helpers, rules.unordered)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Outcome(Status.UNKNOWN, "bad_tests")
    return _calls(box, limits, made, program, f"{gold.import_prefix}\n{helpers}")


def _stdin(box: Sandbox, limits: Limits, gold: StdinGold, program: str, rules: Comparison) -> Outcome:
    tally = Tally(len(gold.inputs))
    for text, expected in zip(gold.inputs, gold.outputs, strict=True):
        with box.run(limits) as run:
            try:
                job = {"mode": "stdin", "code": program, "isolated": box.isolated}
                run.send(job, text.encode("utf-8", "surrogateescape"))
                ended = run.exit()
            except Exceeded as stop:
                return tally.stopped(stop)
            tally.spend(ended.cpu_s)
            reason = _exit_reason(ended.code, ended.truncated, run)
            if reason is None and not output.matches(expected, ended.output.decode("utf-8", "replace"), rules):
                reason = "wrong_output"
        tally.count(reason)
        if tally.reason and (reason in _COSTLY or tally.cpu_s > limits.cpu_s):
            break
        if tally.cpu_s > TOTAL_FACTOR * limits.cpu_s and tally.passed < tally.total:
            return tally.outcome(Status.UNKNOWN, "too_long")
    return tally.outcome()


def _exit_reason(code: int, truncated: bool, run: SandboxRun) -> str | None:
    if truncated:
        return "output_limit"
    if code == 0:
        return None
    if code < 0:
        return "time_limit" if code == -24 else "crashed"
    return load_reason(run.last_words())


def _call_case(gold: CallGold, index: int, rules: Comparison) -> Case:
    lines = [line for line in gold.inputs[index].split("\n") if line.strip()]
    expected = json.loads(gold.outputs[index])
    request = cases.request(gold.fn_name, [json.loads(line) for line in lines], {})
    return Case(request, lambda got: rules.alike(expected, got, sequences=True))


def _calls(box: Sandbox, limits: Limits, made: Sequence[Case], program: str, setup: str) -> Outcome:
    """Sends all calls in one batch and judges the replies as they come."""
    tally, nonce = Tally(len(made)), secrets.token_hex(8)
    with box.run(limits) as run:
        try:
            run.send({"mode": "serve", "setup": setup, "code": program, "nonce": nonce})
            run.send({"requests": [case.request for case in made]})
            for index, case in enumerate(made):
                reply = run.receive()
                tally.count(_reply_reason(reply, index, nonce, case.holds))
                if tally.reason and (is_last_reply(reply) or run.cpu_s > limits.cpu_s):
                    break
        except Exceeded as stop:
            return tally.stopped(stop)
        except (EOFError, ConnectionError):
            tally.count(silence(run))
        except (wire.WireError, RecursionError):
            tally.count("bad_reply")
        tally.spend(run.spent())
        return tally.outcome()


def _reply_reason(reply: Any, index: int, nonce: str, holds: Callable[[Any], bool]) -> str | None:
    if not isinstance(reply, dict):
        return "bad_reply"
    if "load_error" in reply or "error" in reply:
        return load_reason(reply)
    if reply.get("i") != index or reply.get("nonce") != nonce or "ok" not in reply:
        return "bad_reply"
    try:
        return None if holds(wire.decode(reply["ok"])) else "wrong_result"
    except wire.WireError:
        return "bad_reply"
    except (TypeError, ValueError, ArithmeticError):
        return "bad_type"


def _not_the_candidates(gold: AssertGold) -> set[str]:
    return set(dir(builtins)) | defined_names(gold.import_prefix)


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
