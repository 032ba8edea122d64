"""Right programs that look odd."""

from tests.graders.shapes import Program

_RIGHT = "return x * x + 1"

HONEST = [
    Program("plain", body=_RIGHT),
    Program("exit handler", "import atexit\natexit.register(lambda: None)", _RIGHT),
    Program(
        "own equality",
        """
        class Point:
            def __init__(self, x): self.x = x
            def __eq__(self, other): return isinstance(other, Point) and self.x == other.x
            def __hash__(self): return hash(self.x)
        """,
        "assert Point(1) == Point(1)\nreturn x * x + 1",
    ),
    Program(
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
    Program(
        "thread pool",
        "from concurrent.futures import ThreadPoolExecutor",
        "with ThreadPoolExecutor() as pool: return sum(pool.map(lambda v: v, [x * x, 1]))",
    ),
    Program("asyncio", "import asyncio\nasync def g(x): return x * x + 1", "return asyncio.run(g(x))"),
    Program(
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
    Program(
        "temporary file",
        "import tempfile",
        """
        with tempfile.NamedTemporaryFile('w+') as file:
            file.write(str(x * x + 1)); file.seek(0)
            return int(file.read())
        """,
    ),
    Program(
        "names without imports",
        body="return Counter([0]).get(0) * (int(math.pow(x, 2)) + 1) if gcd(4, 6) == 2 else heapq",
    ),
    Program("numpy integer", "import numpy as np", "return int(np.int64(x)) ** 2 + 1"),
    Program(
        "deep but finite recursion",
        "import sys\nsys.setrecursionlimit(10**6)\ndef down(n): return 0 if n == 0 else down(n - 1)",
        "return down(20000) + x * x + 1",
    ),
    Program(
        "dataclass", "from dataclasses import dataclass\n@dataclass\nclass P:\n    v: int", "return P(x).v ** 2 + 1"
    ),
    Program(
        "cache",
        "from functools import lru_cache\n@lru_cache(None)\ndef g(n): return n if n < 2 else g(n - 1) + g(n - 2)",
        "g(300)\nreturn x * x + 1",
    ),
    Program(
        "future annotations",
        "from __future__ import annotations\ndef g(v: Undefined) -> Nothing: return v",
        "return g(x) ** 2 + 1",
    ),
    Program("whole float", body="return float(x * x + 1) if False else x * x + 1"),
    Program("text to standard error", "import sys", "sys.stderr.write('working\\n' * 100)\nreturn x * x + 1"),
    Program("guarded main", "def main():\n    pass\nif __name__ == '__main__':\n    main()", _RIGHT),
    Program("catches everything", body="try:\n    raise KeyError\nexcept BaseException:\n    return x * x + 1"),
    Program(
        "prints while working",
        "print('loading') if False else None",
        _RIGHT,
    ),
    Program(
        "sys.setrecursionlimit deep",
        """
            import sys
            sys.setrecursionlimit(100000)
            def s(n): return 0 if n==0 else 1+s(n-1)
        """,
        "return s(15000)-15000+x*x+1",
    ),
    Program(
        "threaded main with big stack",
        """
            import sys, threading
            threading.stack_size(64*1024*1024)
            sys.setrecursionlimit(10**6)
            def s(n): return 0 if n==0 else 1+s(n-1)
        """,
        """
            r=[]
            t=threading.Thread(target=lambda: r.append(s(20000)))
            t.start(); t.join()
            return r[0]-20000+x*x+1
        """,
    ),
    Program(
        "numpy return",
        "import numpy as np",
        "return int(np.array([x]).dot(np.array([x]))[()] + 1)",
    ),
    Program(
        "numpy int64 returned",
        "import numpy as np",
        "return np.int64(x*x+1)",
    ),
    Program(
        "IntEnum",
        """
            from enum import IntEnum
            class E(IntEnum):
                A=1
        """,
        "return x*x+E.A.value",
    ),
    Program(
        "own __eq__ and total_ordering",
        """
            from functools import total_ordering
            @total_ordering
            class V:
                def __init__(s,v): s.v=v
                def __eq__(s,o): return s.v==o.v
                def __lt__(s,o): return s.v<o.v
        """,
        "return max(V(x*x+1),V(0)).v",
    ),
    Program(
        "warnings",
        """
            import warnings
            warnings.warn('x')
        """,
        _RIGHT,
    ),
    Program(
        "logging",
        """
            import logging
            logging.basicConfig(level=logging.DEBUG)
            logging.info('hi')
        """,
        _RIGHT,
    ),
    Program(
        "signal handlers",
        """
            import signal
            signal.signal(signal.SIGALRM, lambda *a: None)
            signal.alarm(0)
        """,
        _RIGHT,
    ),
    Program(
        "multiprocessing pool",
        """
            import multiprocessing as mp
            def sq(v): return v*v
        """,
        """
            with mp.get_context('fork').Pool(2) as p:
                return p.map(sq,[x])[0]+1
        """,
    ),
    Program(
        "subprocess python",
        "import subprocess, sys",
        """
            command = [sys.executable, '-I', '-S', '-c', f'print({x} * {x} + 1)']
            return int(subprocess.run(command, capture_output=True, text=True).stdout)
        """,
    ),
    Program(
        "random seeded, time",
        """
            import random, time
            random.seed(1)
            t=time.time()
        """,
        _RIGHT,
    ),
    Program(
        "writes file in cwd",
        """
            open('a.txt','w').write('1')
            assert open('a.txt').read()=='1'
        """,
        _RIGHT,
    ),
    Program(
        "context exit",
        """
            import contextlib
            @contextlib.contextmanager
            def c():
                yield 1
        """,
        "with c() as one: return x*x+one",
    ),
    Program(
        "global state memo",
        "memo={}",
        """
            memo.setdefault(x, x*x+1)
            return memo[x]
        """,
    ),
    Program(
        "redirect stdout",
        "import io, contextlib",
        """
            b=io.StringIO()
            with contextlib.redirect_stdout(b): print(x*x+1)
            return int(b.getvalue())
        """,
    ),
    Program(
        "gc tweaks",
        """
            import gc
            gc.disable()
        """,
        """
            gc.collect()
            return x*x+1
        """,
    ),
    Program(
        "resource limits",
        """
            import resource
            resource.setrlimit(resource.RLIMIT_STACK, resource.getrlimit(resource.RLIMIT_STACK))
        """,
        _RIGHT,
    ),
    Program(
        "walrus/match",
        "",
        """
            match x:
                case 0: return 1
                case n: return n*n+1
        """,
    ),
    Program(
        "sortedcontainers",
        "from sortedcontainers import SortedList",
        "s=SortedList([x*x+1]); return s[0]",
    ),
    Program(
        "typing generics",
        """
            from typing import *
            T=TypeVar('T')
            class G(Generic[T]): pass
        """,
        _RIGHT,
    ),
    Program(
        "unicode names",
        "π = 1",
        "return x*x+π",
    ),
    Program(
        "raise and catch SystemExit",
        "import sys",
        """
            try: sys.exit(3)
            except SystemExit: pass
            return x*x+1
        """,
    ),
    Program(
        "__main__ import",
        "import __main__",
        _RIGHT,
    ),
    Program(
        "bit tricks with ctypes ok",
        "import ctypes",
        "return ctypes.c_int(x*x+1).value",
    ),
    Program(
        "pathlib home",
        """
            import pathlib, os
            pathlib.Path.cwd(); os.getcwd()
        """,
        _RIGHT,
    ),
    Program(
        "getpass/uuid",
        """
            import uuid
            uuid.uuid4()
        """,
        _RIGHT,
    ),
    Program(
        "sqlite memory",
        "import sqlite3",
        "return sqlite3.connect(':memory:').execute('select ?*?+1',(x,x)).fetchone()[0]",
    ),
    Program(
        "int subclass returned plain",
        "class I(int): pass",
        "return int(I(x)*I(x))+1",
    ),
    Program(
        "Int subclass result",
        "class I(int): pass",
        "return I(x*x+1)",
    ),
    Program(
        "str heavy 30MB",
        "",
        """
            s='a'*30_000_000
            return len(s)-30_000_000+x*x+1
        """,
    ),
    Program(
        "prime sieve numpy free",
        "",
        """
            s=bytearray([1])*2000001
            return x*x+sum(s[:1])
        """,
    ),
    Program(
        "Decimal context",
        """
            from decimal import *
            getcontext().prec=50
        """,
        "return int(Decimal(x)**2+1)",
    ),
    Program(
        "locale",
        """
            import locale
            locale.setlocale(locale.LC_ALL,'')
        """,
        _RIGHT,
    ),
]
