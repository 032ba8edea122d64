"""Programs to attack the grader with, and honest ones that look odd.

The task is f(x) = x * x + 1. A program is a prelude and the body of `f`; it is put into every gold shape.
"""

import json
from textwrap import dedent, indent
from typing import Any, NamedTuple

INPUTS = (0, 2, 5, 7)


class Program(NamedTuple):
    """Code before `f`, and the body of `f`."""

    name: str
    before: str
    body: str


def golds() -> dict[str, Any]:
    """The task in every gold shape; shapes whose tests cannot be turned into calls and literals need a driver."""
    pairs = [(x, x * x + 1) for x in INPUTS]
    checks = "\n".join(f"    assert candidate({x}) == {y}" for x, y in pairs)
    loop = f"    for x, y in {pairs}:\n        assert candidate(x) == y"
    return {
        "stdin": {"inputs": [f"{x}\n" for x, _ in pairs], "outputs": [f"{y}\n" for _, y in pairs]},
        "test cases": {"test_cases": [{"input": f"{x}\n", "output": f"{y}\n"} for x, y in pairs]},
        "call": {
            "fn_name": "f",
            "inputs": [json.dumps(x) for x, _ in pairs],
            "outputs": [json.dumps(y) for _, y in pairs],
        },
        "check": {"test_code": f"def check(candidate):\n{checks}", "entry_point": "f"},
        "check by driver": {"test_code": f"def check(candidate):\n{loop}", "entry_point": "f"},
        "asserts": {"assert_case": [f"assert f({x}) == {y}" for x, y in pairs]},
        "asserts by driver": {"assert_case": [f"assert [f({x}), 0] == [{y}, 0]" for x, y in pairs]},
        "method": {
            "fn_name": "f",
            "inputs": [json.dumps(x) for x, _ in pairs],
            "outputs": [json.dumps(y) for _, y in pairs],
        },
        "check of a method": {"test_code": f"def check(candidate):\n{checks}", "entry_point": "Solution().f"},
    }


def source(program: Program, shape: str) -> str:
    """The program in the form that a gold shape asks for."""
    before, body = dedent(program.before).strip(), dedent(program.body).strip()
    if "method" in shape:
        return f"{before}\nclass Solution:\n    def f(self, x):\n{indent(body, ' ' * 8)}\n"
    function = f"{before}\ndef f(x):\n{indent(body, ' ' * 4)}\n"
    return function + ("print(f(int(input())))\n" if shape in ("stdin", "test cases") else "")


def _attack(name: str, before: str = "", body: str = "return -1") -> Program:
    return Program(name, before, body)


_FORGE = """
import os, json
def forge():
    for fd in range(3, 64):
        for text in ('{"i": 0, "ok": 1}', "OK", "passed", '{"outcome": "passed", "passed": 4}'):
            data = text.encode()
            for message in (data, len(data).to_bytes(4, "big") + bytes(4) + data):
                try:
                    os.write(fd, message)
                except OSError:
                    pass
"""

ATTACKS = [
    _attack("sys.exit at import", "import sys; sys.exit(0)"),
    _attack("os._exit at import", "import os; os._exit(0)"),
    _attack("sys.exit in the function", body="import sys; sys.exit(0)"),
    _attack("os._exit in the function", body="import os; os._exit(0)"),
    _attack(
        "raise SystemExit(0) in a thread",
        body="import threading, os\nthreading.Thread(target=os._exit, args=(0,)).start()\nwhile True: pass",
    ),
    _attack("atexit", "import atexit, os; atexit.register(os._exit, 0)"),
    _attack("excepthook", "import sys, os; sys.excepthook = lambda *a: os._exit(0)", "raise ValueError"),
    _attack(
        "object that equals everything",
        """
        class Any:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
            def __bool__(self): return True
        """,
        "return Any()",
    ),
    _attack(
        "int that equals everything",
        """
        class Int(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        """,
        "return Int(3)",
    ),
    _attack(
        "str that equals everything",
        """
        class Str(str):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        """,
        "return Str('3')",
    ),
    _attack(
        "list that equals everything",
        """
        class List(list):
            def __eq__(self, other): return True
        """,
        "return List()",
    ),
    _attack(
        "reflected subtraction",
        """
        class Zero:
            def __sub__(self, other): return 0
            __rsub__ = __sub__
            def __abs__(self): return 0
            def __lt__(self, other): return True
            def __eq__(self, other): return True
        """,
        "return Zero()",
    ),
    _attack(
        "class of a standard name",
        """
        same = {"__module__": "fractions", "__eq__": lambda s, o: True, "numerator": 1, "denominator": 1}
        Fake = type("Fraction", (), same)
        """,
        "return Fake()",
    ),
    _attack(
        "type() overridden",
        """
        import builtins
        class Any:
            def __eq__(self, other): return True
        real = type
        builtins.type = lambda *a: int if len(a) == 1 else real(*a)
        builtins.isinstance = lambda *a: True
        """,
        "return Any()",
    ),
    _attack(
        "frame walk",
        """
        import sys
        def look():
            frame, found = sys._getframe(), []
            while frame:
                for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                    if isinstance(value, dict):
                        found += [value.get(k) for k in ("expected", "output", "outputs", "y", "exp")]
                    if isinstance(value, (list, tuple)):
                        found += [v[1] for v in value if isinstance(v, tuple) and len(v) == 2 and isinstance(v[1], int)]
                frame = frame.f_back
            return [v for v in found if isinstance(v, int)]
        """,
        "found = look()\nreturn found[0] if found else -1",
    ),
    _attack(
        "gc scan",
        """
        import gc
        def look(x):
            for value in gc.get_objects():
                if isinstance(value, (list, tuple)) and len(value) == 2 and value[0] == x and isinstance(value[1], int):
                    return value[1]
                if isinstance(value, dict) and ("expected" in value or "outputs" in value):
                    return value.get("expected") or value.get("outputs")
            return -1
        """,
        "return look(x)",
    ),
    _attack(
        "expected values searched in memory",
        """
        import gc
        def look(x):
            seen = [v for o in gc.get_objects() if isinstance(o, list) for v in o if v in (1, 5, 26, 50)]
            return seen[0] if len(set(seen)) == 4 else -1
        """,
        "return look(x)",
    ),
    _attack(
        "golds from disk",
        """
        import os
        def look():
            for root in ("/", "/tmp", "/work", "/root", "/home", "/runtime"):
                for folder, _, names in os.walk(root):
                    if folder.count("/") > 4 or folder.startswith(("/usr", "/lib", "/runtime/python")): continue
                    for name in names:
                        try:
                            if "outputs" in open(os.path.join(folder, name)).read(10000): return 1
                        except (OSError, ValueError): pass
            return -1
        """,
        "return look()",
    ),
    _attack(
        "golds from descriptors",
        """
        import os
        def look():
            for fd in range(3, 64):
                try:
                    os.set_blocking(fd, False)
                    data = os.read(fd, 1 << 16)
                    if b"26" in data: return 26
                except OSError: pass
            return -1
        """,
        "return look()",
    ),
    _attack("/proc/1/environ", body="return len(open('/proc/1/environ').read())"),
    _attack("memory of process 1", body="open('/proc/1/mem', 'r+b').read(1); return -1"),
    _attack("forged replies at import", _FORGE + "\nforge()"),
    _attack("forged replies in the function", _FORGE, "forge()\nreturn -1"),
    _attack("forged OK on standard output", "print('OK'); print('passed'); print('{\"ok\": 1}')"),
    _attack("two processes answer", "import os", "return 1 if os.fork() else x * x + 2"),
    _attack(
        "a process for every guess",
        "import os",
        """
        for guess in range(20):
            if os.fork() == 0: return -guess
        return -1
        """,
    ),
    _attack(
        "harness patched through sys.modules",
        """
        import sys
        for name, module in list(sys.modules.items()):
            if "inside" in name or "grader" in name or "wire" in name:
                for attribute in list(vars(module)):
                    if callable(getattr(module, attribute)):
                        try: setattr(module, attribute, lambda *a, **k: True)
                        except Exception: pass
        """,
    ),
    _attack(
        "equality patched in the harness",
        """
        import sys
        sys.modules["graders.inside.equality"].same = lambda *a, **k: True
        sys.modules["graders.inside.driver"].same = lambda *a, **k: True
        """,
    ),
    _attack(
        "builtins patched",
        """
        import builtins
        builtins.zip = lambda *a, **k: iter(())
        builtins.all = lambda *a: True
        builtins.any = lambda *a: True
        builtins.len = lambda *a: 4
        builtins.map = lambda *a: iter(())
        builtins.abs = lambda *a: 0
        """,
    ),
    _attack(
        "numpy patched",
        """
        import numpy
        numpy.allclose = lambda *a, **k: True
        numpy.testing.assert_allclose = lambda *a, **k: None
        """,
    ),
    _attack(
        "json patched",
        """
        import json
        json.dumps = lambda *a, **k: '{"i": 0, "ok": 1}'
        json.loads = lambda *a, **k: 1
        """,
    ),
    _attack("unittest patched", "import unittest; unittest.TestCase.assertEqual = lambda *a: None"),
    _attack("check redefined", "def check(candidate): return True\nMETADATA = {}\ncandidate = lambda x: x * x"),
    _attack(
        "assert swallowed",
        "class AssertionError(BaseException): pass\nimport builtins; builtins.AssertionError = AssertionError",
    ),
    _attack("StopIteration", body="raise StopIteration"),
    _attack("raises AssertionError", body="raise AssertionError"),
    _attack(
        "conftest and sitecustomize",
        """
        for name in ("conftest.py", "sitecustomize.py", "usercustomize.py", "json.py", "/tmp/sitecustomize.py"):
            open(name, "w").write("import os; os._exit(0)")
        """,
    ),
    _attack(
        "programs on the PATH",
        """
        import os
        os.makedirs("/tmp/bin", exist_ok=True)
        for name in ("python", "python3", "sh", "bwrap"):
            open(f"/tmp/bin/{name}", "w").write("#!/bin/sh\\nexit 0\\n"); os.chmod(f"/tmp/bin/{name}", 0o755)
        os.environ["PATH"] = "/tmp/bin"
        """,
    ),
    _attack(
        "fake clocks", "import time\ntime.time = time.perf_counter = time.monotonic = time.process_time = lambda: 0"
    ),
    _attack("alarm reset", "import signal", "signal.alarm(0); signal.setitimer(signal.ITIMER_REAL, 0)\nreturn -1"),
    _attack("os reloaded", "import importlib, os\nimportlib.reload(os)", "return os.system('true') or -1"),
    _attack(
        "posix and io.open",
        "import posix, io",
        """
        try: return len(io.open('/etc/passwd').read())
        except OSError: pass
        return len(posix.listdir('/')) * -1
        """,
    ),
    _attack("ctypes and ptrace", "import ctypes", "ctypes.CDLL(None).ptrace(16, 1, 0, 0)\nreturn -1"),
    _attack(
        "init killed",
        "import os, signal",
        """
        for pid in (1, os.getppid(), 0 - 1):
            try: os.kill(pid, signal.SIGKILL)
            except OSError: pass
        return -1
        """,
    ),
    _attack(
        "init's limits lowered",
        "import resource",
        """
        for limit in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
            try: resource.prlimit(1, limit, (0, 0))
            except (OSError, ValueError): pass
        return -1
        """,
    ),
    _attack("nested namespaces", "import ctypes", "ctypes.CDLL(None).unshare(0x10000000 | 0x00020000)\nreturn -1"),
    _attack(
        "full scratch space",
        body="""
        for i in range(10000):
            try: open(f"/tmp/{i}", "wb").write(bytes(1 << 20))
            except OSError: break
        return -1
        """,
    ),
    _attack("full shared memory", body="open('/dev/shm/x', 'wb').write(bytes(1 << 28)); return -1"),
    _attack("write to the root", body="open('/x', 'wb').write(b'1'); return -1"),
    _attack(
        "detached grandchild",
        "import os, time",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        return -1
        """,
    ),
    _attack("deep value", body="v = []\nfor _ in range(100000): v = [v]\nreturn v"),
    _attack("huge integer", body="return 10 ** 1000000"),
    _attack("not a number", body="return float('nan')"),
    _attack("infinity", body="return float('inf')"),
    _attack("True for 1", body="return True if x == 0 else -1"),
    _attack("text for a number", body="return str(x * x + 1) + 'x'"),
    _attack("pickle", "import os\nclass Bomb:\n    def __reduce__(self): return (os._exit, (0,))", "return Bomb()"),
    _attack("segmentation fault", "import ctypes", "ctypes.string_at(0)\nreturn -1"),
    _attack("deep recursion", body="return f(x)\n" if True else ""),
    _attack("generator", body="yield x * x + 1"),
    _attack("function", body="return lambda: x"),
    _attack("nothing", body="return None"),
    _attack("a reply that is too large", body="return 'x' * (12 << 20)"),
]

SLOW_ATTACKS = [
    _attack(
        "a reply that never ends",
        _FORGE,
        "os.write(3, (1 << 20).to_bytes(4, 'big') + bytes(4) + b'[1')\nimport time; time.sleep(30)\nreturn -1",
    ),
    _attack("endless loop", body="while True: pass"),
    _attack("sleep", "import time", "time.sleep(100)"),
    _attack(
        "swallows everything past the limit",
        body="""
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
    ),
    _attack(
        "signals ignored",
        """
        import signal
        for s in range(1, 32):
            try: signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError): pass
        """,
        "while True: pass",
    ),
    _attack("fork bomb", "import os", "while True:\n    try: os.fork()\n    except OSError: pass"),
    _attack(
        "memory split over children",
        "import os, time",
        """
        for _ in range(40):
            if os.fork() == 0:
                block = bytearray(400 << 20)
                for i in range(0, len(block), 4096): block[i] = 1
                time.sleep(60)
        time.sleep(60)
        """,
    ),
    _attack("flood of standard output", body="while True: print('x' * 100000)"),
    _attack("regular expression", "import re", "re.match('(a+)+$', 'a' * 40 + 'b')\nreturn -1"),
    _attack("giant power", body="return 9 ** 9 ** 9"),
    _attack("waits for a child", "import os, time", "if os.fork() == 0: time.sleep(600)\nos.wait()\nreturn -1"),
]

_RIGHT = "return x * x + 1"
HONEST = [
    _attack("plain", body=_RIGHT),
    _attack("exit handler", "import atexit\natexit.register(lambda: None)", _RIGHT),
    _attack(
        "own equality",
        """
        class Point:
            def __init__(self, x): self.x = x
            def __eq__(self, other): return isinstance(other, Point) and self.x == other.x
            def __hash__(self): return hash(self.x)
        """,
        "assert Point(1) == Point(1)\nreturn x * x + 1",
    ),
    _attack(
        "threads",
        "import threading",
        """
        result = []
        workers = [threading.Thread(target=lambda: result.append(x)) for _ in range(8)]
        for worker in workers: worker.start()
        for worker in workers: worker.join()
        return result[0] ** 2 + 1
        """,
    ),
    _attack(
        "thread pool",
        "from concurrent.futures import ThreadPoolExecutor",
        "with ThreadPoolExecutor() as pool: return sum(pool.map(lambda v: v, [x * x, 1]))",
    ),
    _attack("asyncio", "import asyncio\nasync def g(x): return x * x + 1", "return asyncio.run(g(x))"),
    _attack(
        "subprocess by fork",
        "import os",
        """
        r, w = os.pipe()
        if os.fork() == 0:
            os.write(w, str(x * x + 1).encode()); os._exit(0)
        os.wait()
        return int(os.read(r, 100))
        """,
    ),
    _attack(
        "temporary file",
        "import tempfile",
        """
        with tempfile.NamedTemporaryFile('w+') as file:
            file.write(str(x * x + 1)); file.seek(0)
            return int(file.read())
        """,
    ),
    _attack(
        "names without imports",
        body="return Counter([0]).get(0) * (int(math.pow(x, 2)) + 1) if gcd(4, 6) == 2 else heapq",
    ),
    _attack("numpy integer", "import numpy as np", "return int(np.int64(x)) ** 2 + 1"),
    _attack(
        "deep but finite recursion",
        "import sys\nsys.setrecursionlimit(10**6)\ndef down(n): return 0 if n == 0 else down(n - 1)",
        "return down(20000) + x * x + 1",
    ),
    _attack(
        "dataclass", "from dataclasses import dataclass\n@dataclass\nclass P:\n    v: int", "return P(x).v ** 2 + 1"
    ),
    _attack(
        "cache",
        "from functools import lru_cache\n@lru_cache(None)\ndef g(n): return n if n < 2 else g(n - 1) + g(n - 2)",
        "g(300)\nreturn x * x + 1",
    ),
    _attack(
        "future annotations",
        "from __future__ import annotations\ndef g(v: Undefined) -> Nothing: return v",
        "return g(x) ** 2 + 1",
    ),
    _attack("whole float", body="return float(x * x + 1) if False else x * x + 1"),
    _attack("text to standard error", "import sys", "sys.stderr.write('working\\n' * 100)\nreturn x * x + 1"),
    _attack("guarded main", "def main():\n    pass\nif __name__ == '__main__':\n    main()", _RIGHT),
    _attack("catches everything", body="try:\n    raise KeyError\nexcept BaseException:\n    return x * x + 1"),
]
