"""A whole run in one script, for services that run a script and give back what it printed.

Standard input holds the run (JSON); standard output gets two lines that begin with its nonce: one at the start, and the
report. The program under test can write to neither, but shares the service's machine with this script: what it could do
there is up to the service.
"""

import base64
import json
import os
import socket
import sys
from typing import Any

from hipo_data.graders.inside import server, wire
from hipo_data.graders.sandbox.run import Exceeded, Limits, Run, SandboxBroken, open_run


def main() -> None:
    """Reads `nonce`, `cpu_s`, `memory`, `job`, `text` (base64) and `requests`; prints the report."""
    task = json.load(sys.stdin)
    print(f"\n{task['nonce']} started", flush=True)
    control, inner = socket.socketpair()
    if os.fork() == 0:
        control.close()
        os.dup2(inner.fileno(), 3)
        os.closerange(4, 64)
        server.main()
        os._exit(0)
    inner.close()
    wire.send(control, {"isolated": False})
    ready, _ = wire.receive(control)
    with open_run(control, Limits(task["cpu_s"], task["memory"]), ready["resident_kb"] << 10) as run:
        report = _report(run, task)
    control.close()
    os.wait()
    print(f"{task['nonce']} {json.dumps(report)}", flush=True)


def _report(run: Run, task: dict[str, Any]) -> dict[str, Any]:
    replies: list[Any] = []
    report: dict[str, Any] = {"replies": replies}
    try:
        run.send(task["job"], base64.b64decode(task["text"]))
        if task["job"]["mode"] == "serve":
            run.send({"requests": task["requests"]})
            for _ in task["requests"]:
                replies.append(run.receive())
            return report | {"cpu_s": run.spent()}
    except Exceeded as stop:
        return report | {"exceeded": stop.reason, "cpu_s": stop.cpu_s}
    except (EOFError, ConnectionError):
        pass
    except (wire.WireError, RecursionError):
        return report | {"bad_reply": True, "cpu_s": run.cpu_s}
    try:
        ended = run.exit()
    except Exceeded as stop:
        return report | {"exceeded": stop.reason, "cpu_s": stop.cpu_s}
    except SandboxBroken as error:
        return report | {"broken": str(error), "cpu_s": run.cpu_s}
    output = base64.b64encode(ended.output).decode()
    exit_ = {"code": ended.code, "peak": ended.peak_bytes, "output": output, "truncated": ended.truncated}
    return report | {"exit": exit_, "words": run.last_words(), "cpu_s": ended.cpu_s}
