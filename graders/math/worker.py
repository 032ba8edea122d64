"""A process that compares answers as expressions and with math-verify: one JSON line in, one out, until its input ends.

A CPU timer of the kernel ends the process where a comparison takes too long: nothing in Python can be relied on to,
because one operation on a giant integer never returns to the interpreter.
"""

import ctypes
import json
import logging
import os
import resource
import signal
import sys
import time
from functools import cache
from typing import Any

_MEMORY = 4 << 30
_PDEATHSIG = 1


def main() -> None:
    """Reads {"gold", "answer", "question", "limit_s"}; writes {"equal": bool or null, "reason" of null}, after a first
    line once it is ready.

    With "quantity", an object of unit, tolerance and error in JSON, {"equal": bool or null, "reason"}.
    Each line also has "cpu_s": the seconds of processor time that this process has used since it was started.
    """
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    from hipo_data.graders.math import compare

    compare.equal(compare.parse(r"\frac{1}{2}"), compare.parse("0.5"))
    print(json.dumps({"cpu_s": time.process_time()}), file=answers)
    for line in sys.stdin:
        task = json.loads(line)
        if "quantity" in task:
            _ready_for_quantities()
        signal.setitimer(signal.ITIMER_PROF, task["limit_s"])
        reply: dict[str, Any]
        try:
            reply = _quantity(task) or _compared(compare.decide(task["gold"], task["answer"], task["question"]))
        except (RecursionError, MemoryError) as error:
            reply = {"error": type(error).__name__}
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(reply | {"cpu_s": time.process_time()}), file=answers)


def _compared(equal: bool | None) -> dict[str, Any]:
    return {"equal": None, "reason": "unread"} if equal is None else {"equal": equal}


@cache
def _ready_for_quantities() -> None:
    """Loads pint and what else a comparison needs, which most golds do not; the time limit is for comparisons."""
    about = json.dumps({"unit": "m", "tolerance": None, "error": None})
    for answer in ("100 cm", r"\frac{1}{2} \text{ m}", r"\sqrt{2}", "x"):
        _quantity({"gold": "1", "answer": answer, "question": "", "quantity": about})


def _quantity(task: dict[str, Any]) -> dict[str, Any] | None:
    """The reply for a gold with a unit or a tolerance; null for any other, and where rules cannot tell."""
    if "quantity" not in task:
        return None
    from hipo_data.graders.math import rules
    from hipo_data.graders.quantities.compare import decide, without_unit

    about = json.loads(task["quantity"])
    said = decide(task["gold"], task["answer"], **about)
    if said is not None:
        return said._asdict()
    bare = without_unit(task["answer"], about["unit"])
    ruled = rules.decide(task["gold"], task["answer"] if bare is None else bare, task["question"])[0]
    if bare is None:
        return {"equal": False} if ruled is False else {"equal": None, "reason": "unclear_unit"}
    task["answer"] = bare
    return None if ruled is None else {"equal": ruled}


if __name__ == "__main__":
    main()
