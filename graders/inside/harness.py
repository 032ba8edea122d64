"""Runs a candidate program: as a script on standard input, or as a library whose functions are called.

Everything here shares a process with the candidate, so nothing that it sends is more than the candidate's word.
"""

import atexit
import contextlib
import gc
import io
import os
import socket
import sys
import threading
import types
from collections.abc import Mapping
from typing import Any, NoReturn

from hipo_data.graders.inside import prelude, wire

INPUT_PATH = "/tmp/.stdin"
"""Where `/dev/stdin` points to."""


def run_program(data: socket.socket, job: Mapping[str, Any], text: bytes, known: dict[str, Any]) -> NoReturn:
    """Runs `job["code"]` as `__main__` with `text` on standard input, and exits as the interpreter would."""
    _standard_streams(text, job["isolated"])
    module = prelude.module("__main__", known)
    code = 0
    try:
        exec(compile(job["code"], "<program>", "exec", dont_inherit=True), vars(module))
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException as error:
        code = 1
        _tell(data, error)
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        _flush()
        vars(module).clear()
        gc.collect()
        _flush()
    except BaseException as error:
        code = code or 1
        _tell(data, error)
    os._exit(code & 0xFF)


def serve(data: socket.socket, job: Mapping[str, Any], text: bytes, known: dict[str, Any]) -> NoReturn:
    """Loads `job["code"]` after `job["setup"]`, then answers requests in order until the other side closes.

    Of the names in `job["tested"]` a program gets none for nothing: they are its own, or they are not there.
    """
    kept: list[Any] = []
    targets: dict[str, Any] = {}
    sys.stdin, sys.stdout = _reader(0), _writer(1)
    os.dup2(2, 1)
    module = prelude.module("solution", known)
    try:
        exec(compile(job["setup"], "<program>", "exec", dont_inherit=True), vars(module))
        for name in job.get("tested", ()):
            if vars(module).get(name) is known.get(name):
                vars(module).pop(name, None)
        exec(compile(job["code"], "<program>", "exec", dont_inherit=True), vars(module))
    except BaseException as error:
        wire.send(data, {"load_error": type(error).__name__, "text": _text(error)})
        os._exit(1)
    number = 0
    while True:
        try:
            batch, _ = wire.receive(data)
        except EOFError:
            os._exit(0)
        for request in batch["requests"]:
            wire.send(
                data, {"i": number, "nonce": job["nonce"], **_answer(request, vars(module), known, targets, kept)}
            )
            number += 1


def _answer(
    request: Any, names: dict[str, Any], known: Mapping[str, Any], targets: dict[str, Any], kept: list[Any]
) -> dict[str, Any]:
    def keep(value: Any) -> int:
        kept.append(value)
        return len(kept) - 1

    def back(value: Any) -> Any:
        return wire.decode(value, kept.__getitem__, prelude.node)

    try:
        target = request["target"]
        if isinstance(target, str):
            if target not in targets:
                targets[target] = _find(target, names, known)
            function = targets[target]
        else:
            function = getattr(kept[target[0]], target[1]) if target[1] else kept[target[0]]
        if request.get("get"):
            return {"ok": bool(function) if request.get("truth") else wire.encode(function, keep)}
        args = [back(value) for value in request["args"]]
        kwargs = {name: back(value) for name, value in request["kwargs"]}
        result = function(*args, **kwargs)
        if request.get("truth"):
            return {"ok": bool(result)}
        if request.get("listed") and isinstance(result, types.GeneratorType):
            result = list(result)
        reply = {"ok": wire.encode(result, keep if request.get("keep") else None)}
        if result is None and request.get("after"):
            # Functions that work in place return nothing, and only their arguments show what they did.
            reply["after"] = [wire.encode(value, keep) for value in (*args, *kwargs.values())]
        return reply
    except BaseException as error:
        return {"error": type(error).__name__, "text": _text(error)}


def _find(expression: str, names: dict[str, Any], known: Mapping[str, Any]) -> Any:
    """The program's function of that name, else the method of a `Solution`; any other expression is evaluated.

    Raises `NameError` for a built-in function: a program that is asked for a `sum` has to define one.
    """
    if expression.isidentifier():
        own = expression in names and names[expression] is not known.get(expression)
        if not own and hasattr(names.get("Solution"), expression):
            return getattr(names["Solution"](), expression)
        if expression not in names:
            raise NameError(f"name '{expression}' is not defined")
        return names[expression]
    return eval(expression, names)


def _standard_streams(text: bytes, isolated: bool) -> None:
    path = INPUT_PATH if isolated else os.path.join(os.getcwd(), ".stdin")
    source = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    view = memoryview(text)
    while view:
        view = view[os.write(source, view) :]
    os.lseek(source, 0, os.SEEK_SET)
    os.dup2(source, 0)
    os.close(source)
    sys.stdin = sys.__stdin__ = _reader(0)  # type: ignore[misc]
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = _writer(descriptor)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _reader(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, closefd=False)
    return _named(io.TextIOWrapper(io.BufferedReader(raw), "utf-8", "surrogateescape"), "<stdin>", "r")


def _writer(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "w", closefd=False)
    stream = io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "surrogateescape")
    return _named(stream, "<stdout>" if descriptor == 1 else "<stderr>", "w")


def _named(stream: io.TextIOWrapper, name: str, mode: str) -> io.TextIOWrapper:
    """With the name and mode of the interpreter's own streams, which fast readers of input ask for."""
    stream.buffer.raw.name = name  # type: ignore[attr-defined]
    stream.mode = mode  # type: ignore[misc]
    return stream


def _flush() -> None:
    for stream in (sys.stdout, sys.__stdout__):
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()


def _tell(data: socket.socket, error: BaseException) -> None:
    with contextlib.suppress(OSError):
        wire.send(data, {"error": type(error).__name__, "text": _text(error)})


def _text(error: BaseException) -> str:
    try:
        return str(error)[:300]
    except BaseException:
        return ""
