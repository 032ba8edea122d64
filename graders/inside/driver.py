"""Runs a gold's own test code in a sandbox of its own; the candidate is only reachable through requests."""

import ast
import builtins
import socket
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from graders.inside import prelude, wire
from graders.inside.equality import same


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
    """An object that lives with the candidate. It equals nothing, is neither true nor false, and holds no items."""

    def __init__(self, candidate: _Candidate, number: int) -> None:
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_number", number)

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
        raise TypeError("an object of the candidate is neither true nor false")

    __hash__ = object.__hash__


def drive(data: socket.socket, job: Mapping[str, Any], text: bytes, known: dict[str, Any]) -> NoReturn:
    """Runs the test code of `job` and reports `outcome`: `passed`, `failed`, `error` (the candidate's) or `broken`."""
    candidate = _Candidate(data)
    passed = 0

    def count() -> None:
        nonlocal passed
        passed += 1

    module = prelude.module("tests", known)
    names = vars(module)
    outcome, detail = "passed", ""
    try:
        names.update(__same__=same, __passed__=count, __isinstance__=isinstance)
        exec(compile(job["setup"], "<setup>", "exec", dont_inherit=True), names)
        for name in job["proxies"]:
            names[name] = _function(candidate, name)
        names["candidate"] = _function(candidate, job["entry"]) if job["entry"] else None
        exec(compile(_instrument(job["test"]), "<tests>", "exec", dont_inherit=True), names)
        if job["entry"]:
            names["check"](names["candidate"])
    except (NameError, ImportError, SyntaxError) as error:
        outcome, detail = ("error" if error is candidate.error else "broken"), repr(error)
    except BaseException as error:
        failed = isinstance(error, AssertionError) and error is not candidate.error
        outcome, detail = ("failed" if failed or candidate.calls else "broken"), repr(error)
        if error is candidate.error:
            outcome = "error"
    if not candidate.calls:
        outcome, detail = "broken", detail or "the tests never call the candidate"
    wire.send(data, {"outcome": outcome, "detail": detail[:300], "passed": passed})
    data.recv(1)
    raise SystemExit


def _function(candidate: _Candidate, target: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return candidate.call(target, args, kwargs)

    call.__name__ = target if target.isidentifier() else "candidate"
    return call


def _instrument(source: str) -> ast.Module:
    """The test code with strict equality in its asserts, and a count of those that held."""
    tree = ast.parse(source)
    _Asserts().visit(tree)
    return ast.fix_missing_locations(tree)


class _Asserts(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        node.test = _Equality().visit(node.test)
        done = ast.Expr(ast.Call(ast.Name("__passed__", ast.Load()), [], []))
        return [node, ast.copy_location(done, node)]


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
