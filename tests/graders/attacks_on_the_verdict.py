"""Wrong programs that end early, read, forge or patch what decides about them."""

from tests.graders.shapes import Program

FORGE = """
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

ON_THE_VERDICT = [
    Program("sys.exit at import", "import sys; sys.exit(0)"),
    Program("os._exit at import", "import os; os._exit(0)"),
    Program("sys.exit in the function", body="import sys; sys.exit(0)"),
    Program("os._exit in the function", body="import os; os._exit(0)"),
    Program(
        "raise SystemExit(0) in a thread",
        body="import threading, os\nthreading.Thread(target=os._exit, args=(0,)).start()\nwhile True: pass",
    ),
    Program("atexit", "import atexit, os; atexit.register(os._exit, 0)"),
    Program("excepthook", "import sys, os; sys.excepthook = lambda *a: os._exit(0)", "raise ValueError"),
    Program(
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
    Program(
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
    Program(
        "expected values searched in memory",
        """
        import gc
        def look(x):
            seen = [v for o in gc.get_objects() if isinstance(o, list) for v in o if v in (1, 5, 26, 50)]
            return seen[0] if len(set(seen)) == 4 else -1
        """,
        "return look(x)",
    ),
    Program("forged replies at import", FORGE + "\nforge()"),
    Program("forged replies in the function", FORGE, "forge()\nreturn -1"),
    Program("forged OK on standard output", "print('OK'); print('passed'); print('{\"ok\": 1}')"),
    Program("two processes answer", "import os", "return 1 if os.fork() else x * x + 2"),
    Program(
        "a process for every guess",
        "import os",
        """
        for guess in range(20):
            if os.fork() == 0: return -guess
        return -1
        """,
    ),
    Program(
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
    Program(
        "equality patched in the harness",
        """
        import sys
        sys.modules["hipo_data.graders.inside.equality"].same = lambda *a, **k: True
        sys.modules["hipo_data.graders.inside.driver"].same = lambda *a, **k: True
        """,
    ),
    Program(
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
    Program(
        "numpy patched",
        """
        import numpy
        numpy.allclose = lambda *a, **k: True
        numpy.testing.assert_allclose = lambda *a, **k: None
        """,
    ),
    Program(
        "json patched",
        """
        import json
        json.dumps = lambda *a, **k: '{"i": 0, "ok": 1}'
        json.loads = lambda *a, **k: 1
        """,
    ),
    Program("unittest patched", "import unittest; unittest.TestCase.assertEqual = lambda *a: None"),
    Program("check redefined", "def check(candidate): return True\nMETADATA = {}\ncandidate = lambda x: x * x"),
    Program(
        "assert swallowed",
        "class AssertionError(BaseException): pass\nimport builtins; builtins.AssertionError = AssertionError",
    ),
    Program(
        "sys.exit in the middle",
        "import sys",
        """
            if x == 5: sys.exit(0)
            return x*x+1
        """,
    ),
    Program(
        "os._exit in the middle",
        "import os",
        """
            if x == 5: os._exit(0)
            return x*x+1
        """,
    ),
    Program(
        "right for all but the last",
        "",
        "return x*x+1 if x != 7 else 0",
    ),
    Program(
        "exec echo guess",
        "import os, sys",
        "os.execv(sys.executable, ['python3','-c','print(26)'])",
    ),
    Program(
        "late thread prints",
        """
            import threading, time
            def late():
                time.sleep(0.2); print(26)
            threading.Thread(target=late).start()
        """,
        "return -1",
    ),
    Program(
        "atexit prints the answer",
        """
            import atexit
            atexit.register(lambda: print(50))
        """,
        "return -1",
    ),
    Program(
        "a reply forged before the end",
        "import socket, json, os",
        """
            s = socket.socket(fileno=3)
            m = json.dumps({'i':0,'nonce':'','ok':x*x+1}).encode()
            s.send(len(m).to_bytes(4,'big')+bytes(4)+m)
            os._exit(0)
        """,
    ),
    Program(
        "replies forged with the nonce",
        "import sys, gc, json, socket",
        """
            f = sys._getframe(); nonce=None
            while f:
                if 'job' in f.f_locals and isinstance(f.f_locals['job'], dict): nonce = f.f_locals['job'].get('nonce')
                f = f.f_back
            s = socket.socket(fileno=3)
            for i in range(10):
                m = json.dumps({'i':i,'nonce':nonce,'ok':1}).encode()
                s.send(len(m).to_bytes(4,'big')+bytes(4)+m)
            return -1
        """,
    ),
    Program(
        "wire patched to send ones",
        """
            import sys
            w = sys.modules.get('hipo_data.graders.inside.wire')
            if w:
                w.encode = lambda v, keep=None: 1
        """,
        "return -1",
    ),
    Program(
        "wire patched to keep everything",
        """
            import sys
            w = sys.modules.get('hipo_data.graders.inside.wire')
            if w:
                w.encode = lambda v, keep=None: {'h': 0}
        """,
        "return -1",
    ),
    Program(
        "sys.setprofile",
        """
            import sys
            sys.setprofile(lambda *a: None)
            sys.settrace(lambda *a: None)
        """,
        "return -1",
    ),
    Program(
        "print patched",
        """
            import builtins
            _p = print
            builtins.print = lambda *a, **k: _p(26)
        """,
        "return -1",
    ),
    Program(
        "standard output patched",
        """
            import sys
            sys.stdout.write = lambda s: None
        """,
        "return -1",
    ),
    Program(
        "input consumed at import",
        """
            import sys
            sys.stdin.read()
        """,
        "return -1",
    ),
    Program(
        "gc scan for golds",
        "import gc",
        """
            kinds = ('stdin', 'call', 'check', 'asserts')
            r = [o for o in gc.get_objects() if isinstance(o, dict) and o.get('type') in kinds]
            return x*x+1 if r else -1
        """,
    ),
    Program(
        "answer by a thread's excepthook",
        """
            import threading
            threading.excepthook = lambda *a: print(26)
            threading.Thread(target=lambda: 1/0).start()
        """,
        "return -1",
    ),
    Program(
        "a class for the function",
        """
            class f:
                def __init__(s,x): pass
                def __eq__(s,o): return True
        """,
        "return -1",
    ),
]
