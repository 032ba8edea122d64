"""Wrong programs that reach for what lies outside, or use up what there is."""

from tests.graders.attacks_on_the_verdict import FORGE
from tests.graders.shapes import Program

ON_THE_MACHINE = [
    Program(
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
    Program(
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
    Program("/proc/1/environ", body="return len(open('/proc/1/environ').read())"),
    Program("memory of process 1", body="open('/proc/1/mem', 'r+b').read(1); return -1"),
    Program(
        "conftest and sitecustomize",
        """
        for name in ("conftest.py", "sitecustomize.py", "usercustomize.py", "json.py", "/tmp/sitecustomize.py"):
            open(name, "w").write("import os; os._exit(0)")
        """,
    ),
    Program(
        "programs on the PATH",
        """
        import os
        os.makedirs("/tmp/bin", exist_ok=True)
        for name in ("python", "python3", "sh", "bwrap"):
            open(f"/tmp/bin/{name}", "w").write("#!/bin/sh\\nexit 0\\n"); os.chmod(f"/tmp/bin/{name}", 0o755)
        os.environ["PATH"] = "/tmp/bin"
        """,
    ),
    Program(
        "fake clocks", "import time\ntime.time = time.perf_counter = time.monotonic = time.process_time = lambda: 0"
    ),
    Program("alarm reset", "import signal", "signal.alarm(0); signal.setitimer(signal.ITIMER_REAL, 0)\nreturn -1"),
    Program("os reloaded", "import importlib, os\nimportlib.reload(os)", "return os.system('true') or -1"),
    Program(
        "posix and io.open",
        "import posix, io",
        """
        try: return len(io.open('/etc/passwd').read())
        except OSError: pass
        return len(posix.listdir('/')) * -1
        """,
    ),
    Program("ctypes and ptrace", "import ctypes", "ctypes.CDLL(None).ptrace(16, 1, 0, 0)\nreturn -1"),
    Program(
        "init killed",
        "import os, signal",
        """
        for pid in (1, os.getppid(), 0 - 1):
            try: os.kill(pid, signal.SIGKILL)
            except OSError: pass
        return -1
        """,
    ),
    Program(
        "init's limits lowered",
        "import resource",
        """
        for limit in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
            try: resource.prlimit(1, limit, (0, 0))
            except (OSError, ValueError): pass
        return -1
        """,
    ),
    Program("nested namespaces", "import ctypes", "ctypes.CDLL(None).unshare(0x10000000 | 0x00020000)\nreturn -1"),
    Program(
        "full scratch space",
        body="""
        for i in range(10000):
            try: open(f"/tmp/{i}", "wb").write(bytes(1 << 20))
            except OSError: break
        return -1
        """,
    ),
    Program("full shared memory", body="open('/dev/shm/x', 'wb').write(bytes(1 << 28)); return -1"),
    Program("write to the root", body="open('/x', 'wb').write(b'1'); return -1"),
    Program(
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
    Program("segmentation fault", "import ctypes", "ctypes.string_at(0)\nreturn -1"),
    Program("deep recursion", body="return f(x)\n" if True else ""),
    Program(
        "proc self mem scan",
        "import re",
        """
            try:
                maps = open('/proc/self/maps').read().split(chr(10))
                mem = open('/proc/self/mem','rb',0)
                for line in maps:
                    m = re.match(r'([0-9a-f]+)-([0-9a-f]+) rw', line)
                    if m and int(m[2],16)-int(m[1],16) < 50000000:
                        a,b = int(m[1],16), int(m[2],16)
                        mem.seek(a)
                        data = mem.read(b-a)
                        if b'"outputs"' in data or b'assert candidate(' in data or b'assert f(' in data: return x*x+1
            except OSError: pass
            return -1
        """,
    ),
    Program(
        "what /proc shows of the others",
        "import os",
        """
            for pid in ('1', str(os.getppid()), 'self'):
                for sub in ('fd','map_files','environ','cmdline','mem','root','cwd'):
                    try:
                        p=f'/proc/{pid}/{sub}'
                        if os.path.isdir(p):
                            for n in os.listdir(p):
                                try: open(p+'/'+n).read(10)
                                except Exception: pass
                        else: open(p,'rb').read(100)
                    except Exception: pass
            return -1
        """,
    ),
    Program(
        "closes descriptors",
        "import os",
        """
            for fd in range(0, 64):
                try: os.close(fd)
                except OSError: pass
            return -1
        """,
    ),
    Program(
        "dup stdout over data",
        "import os",
        """
            os.dup2(1, 3)
            return -1
        """,
    ),
    Program(
        "own process group killed",
        "import os, signal",
        """
            os.killpg(0, 9)
            return -1
        """,
    ),
    Program(
        "recursion limit huge",
        """
            import sys
            sys.setrecursionlimit(10**9)
            def d(n): return d(n+1)
        """,
        "return d(0)",
    ),
    Program(
        "thread stack overflow",
        """
            import threading, sys
            sys.setrecursionlimit(10**9)
            threading.stack_size(64<<20)
            def d(): d()
            t=threading.Thread(target=d); t.start(); t.join()
        """,
        "return -1",
    ),
]

EXHAUSTING = [
    Program(
        "a reply that never ends",
        FORGE,
        "os.write(3, (1 << 20).to_bytes(4, 'big') + bytes(4) + b'[1')\nimport time; time.sleep(30)\nreturn -1",
    ),
    Program("endless loop", body="while True: pass"),
    Program("sleep", "import time", "time.sleep(100)"),
    Program(
        "swallows everything past the limit",
        body="""
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
    ),
    Program(
        "signals ignored",
        """
        import signal
        for s in range(1, 32):
            try: signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError): pass
        """,
        "while True: pass",
    ),
    Program("fork bomb", "import os", "while True:\n    try: os.fork()\n    except OSError: pass"),
    Program(
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
    Program("flood of standard output", body="while True: print('x' * 100000)"),
    Program("regular expression", "import re", "re.match('(a+)+$', 'a' * 40 + 'b')\nreturn -1"),
    Program("giant power", body="return 9 ** 9 ** 9"),
    Program("waits for a child", "import os, time", "if os.fork() == 0: time.sleep(600)\nos.wait()\nreturn -1"),
]
