"""Runs a gold's own test code in a sandbox of its own; the candidate is only reachable through requests."""

import ast
import builtins
import re
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from hipo_data.graders.inside import prelude, wire
from hipo_data.graders.inside.equality import same, same_unordered

_CATCHING = re.compile(r"AssertionError|Exception\b|raises|suppress")
_BINDING = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


class CandidateError(Exception):
    """The candidate raised something that is no built-in exception, or answered with no value."""


class _Failed(AssertionError):
    pass


class _Candidate:
    """The candidate's side of one test run: sends requests, counts them, and remembers what went wrong there."""

    def __init__(self, data: socket.socket) -> None:
        self.data = data
        self.calls = 0
        self.error: BaseException | None = None

    def ask(self, request: dict[str, Any]) -> Any:
        self.calls += 1
        wire.send(self.data, {"request": request})
        reply, _ = wire.receive(self.data)
        if "ok" not in reply:
            kind = getattr(builtins, str(reply.get("error")), None)
            # StopIteration would silently end a loop in the tests.
            known = (
                isinstance(kind, type)
                and issubclass(kind, Exception)
                and kind not in (StopIteration, StopAsyncIteration)
            )
            text = str(reply.get("text", ""))
            self.error = kind(text) if known and kind else CandidateError(text)
            raise self.error
        return reply

    def call(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        reply = self.ask(
            {
                "target": target,
                "args": [self.out(value) for value in args],
                "kwargs": [[name, self.out(value)] for name, value in kwargs.items()],
                "keep": True,
                "after": any(_mutable(value) for value in (*args, *kwargs.values())),
            }
        )
        if "after" in reply:
            for value, after in zip((*args, *kwargs.values()), reply["after"], strict=True):
                _update(value, self.back(after))
        return self.back(reply["ok"])

    def out(self, value: Any) -> Any:
        return wire.encode(value, _number)

    def back(self, value: Any) -> Any:
        return wire.decode(value, lambda number: _Proxy(self, number), prelude.node)


class _Proxy:
    """An object that lives with the candidate. It equals nothing, holds no items, and says once whether it is true."""

    def __init__(self, candidate: _Candidate, number: int) -> None:
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_truth", None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        reply = self._candidate.ask({"target": [self._number, name], "get": True})
        return self._candidate.back(reply["ok"])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._candidate.call([self._number, ""], args, kwargs)

    def __eq__(self, other: object) -> bool:
        return False

    def __bool__(self) -> bool:
        if self._truth is None:
            reply = self._candidate.ask({"target": [self._number, ""], "get": True, "truth": True})
            object.__setattr__(self, "_truth", reply["ok"] is True)
        return bool(self._truth)

    __hash__ = object.__hash__


def drive(data: socket.socket, job: Mapping[str, Any], text: bytes, known: dict[str, Any]) -> NoReturn:
    """Runs the test code of `job` and reports `outcome`: `passed`, `failed`, `error` (the candidate's) or `broken`."""
    candidate = _Candidate(data)
    tests = _Tests(candidate)
    module = prelude.module("tests", known)
    names = vars(module)
    outcome, detail = "passed", ""
    try:
        tree = ast.parse(job["test"])
        alike = partial(
            same_unordered if job["unordered"] else same, relative=job["relative"], absolute=job["absolute"]
        )
        names.update(__same__=alike, __holds__=tests.holds, __held__=tests.held)
        exec(compile(job["setup"], "<setup>", "exec", dont_inherit=True), names)
        for name in job["proxies"]:
            names[name] = _function(candidate, name)
        names["candidate"] = _function(candidate, job["entry"]) if job["entry"] else None
        exec(compile(_instrument(tree), "<tests>", "exec", dont_inherit=True), names)
        if job["entry"]:
            names["check"](names["candidate"])
        outcome = tests.first or outcome
        tests.complete = True
    except (NameError, ImportError, SyntaxError) as error:
        outcome, detail = ("error" if error is candidate.error else "broken"), repr(error)
    except BaseException as error:
        failed = isinstance(error, AssertionError) and error is not candidate.error
        outcome, detail = ("failed" if failed or candidate.calls else "broken"), repr(error)
        if error is candidate.error:
            outcome = "error"
    if not candidate.calls:
        outcome, detail = "broken", detail or "the tests never call the candidate"
    total = tests.passed + tests.failed if tests.complete else _counted(job["test"])
    wire.send(data, {"outcome": outcome, "detail": detail[:300], "passed": tests.passed, "total": total})
    data.recv(1)
    raise SystemExit


class _Tests:
    """Counts asserts. One that fails does not end the tests, unless they are bound to stop there."""

    def __init__(self, candidate: _Candidate) -> None:
        self.passed = self.failed = 0
        self.first: str | None = None
        self.complete = False
        self._candidate = candidate

    def holds(self, test: Callable[[], Any]) -> None:
        """Counts a test; the tests go on where it fails."""
        try:
            outcome = "passed" if test() else "failed"
        except (NameError, ImportError, SyntaxError) as error:
            if error is not self._candidate.error:
                raise
            outcome = "error"
        except BaseException as error:
            outcome = "error" if error is self._candidate.error else "failed"
        if outcome == "passed":
            self.passed += 1
            return
        self.failed += 1
        if self.first is None:
            self.first = outcome
            wire.send(self._candidate.data, {"failed": outcome})

    def held(self, value: Any) -> None:
        """Counts a test; the tests end where it fails, or go on where they expect it."""
        if not value:
            raise _Failed
        self.passed += 1


def _function(candidate: _Candidate, target: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return candidate.call(target, args, kwargs)

    call.__name__ = target if target.isidentifier() else "candidate"
    return call


def _instrument(tree: ast.Module) -> ast.Module:
    """The test code with strict equality in its asserts, which are counted."""
    _Asserts(any(map(_is_bound_to_stop, ast.walk(tree)))).visit(tree)
    return ast.fix_missing_locations(tree)


def _is_bound_to_stop(node: ast.AST) -> bool:
    """Whether tests with this node may catch a failure, or need more than the value of what is asserted."""
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or bool(_CATCHING.search(ast.unparse(node.type)))
    if isinstance(node, ast.withitem):
        return bool(_CATCHING.search(ast.unparse(node)))
    return isinstance(node, ast.Assert) and any(isinstance(part, _BINDING) for part in ast.walk(node))


def _counted(test: str) -> int | None:
    """How many asserts tests have that did not come to their end; None where only running them tells."""
    nodes = list(ast.walk(ast.parse(test)))
    functions = sum(isinstance(node, (ast.FunctionDef, ast.Lambda)) for node in nodes)
    repeated = any(isinstance(node, (ast.For, ast.While, ast.comprehension)) for node in nodes) or functions > 1
    return None if repeated else sum(isinstance(node, ast.Assert) for node in nodes)


class _Asserts(ast.NodeTransformer):
    def __init__(self, stop: bool) -> None:
        self._stop = stop

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        test = _Equality().visit(node.test)
        if not self._stop:
            nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
            test = ast.Lambda(nothing, test)
        count = ast.Name("__held__" if self._stop else "__holds__", ast.Load())
        return ast.copy_location(ast.Expr(ast.Call(count, [test], [])), node)


class _Equality(ast.NodeTransformer):
    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
            return node
        left, right = node.left, node.comparators[0]
        if isinstance(left, ast.Constant):
            left, right = right, left
        return ast.copy_location(ast.Call(ast.Name("__same__", ast.Load()), [right, left], []), node)


def _number(value: Any) -> int:
    if type(value) is not _Proxy:
        raise wire.WireError(f"tests cannot pass a value of type {type(value).__name__}")
    return int(object.__getattribute__(value, "_number"))


def _mutable(value: Any) -> bool:
    return isinstance(value, (list, dict, set))


def _update(value: Any, after: Any) -> None:
    """Makes a mutable argument what the candidate made of it."""
    if isinstance(value, list) and isinstance(after, list):
        value[:] = after
    elif isinstance(value, (dict, set)) and type(value) is type(after):
        value.clear()
        value.update(after)
