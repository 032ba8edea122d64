"""Is an answer of the teacher right? A small grader for the model card, apart from the pipeline's own."""

import json
import re
import resource
import subprocess
import sys
from functools import cache
from typing import Any

SECONDS = 5
MEMORY_BYTES = 512 * 2**20


def boxed(text: str) -> str | None:
    """The content of the last \\boxed{...} after the reasoning, or None."""
    found = re.findall(r"\\boxed\{([^{}]*)\}", text.rsplit("</think>", maxsplit=1)[-1])
    return str(found[-1]) if found else None


def fenced(text: str) -> str | None:
    """The last fenced Python block after the reasoning, or None."""
    found = re.findall(r"```python\n(.*?)```", text.rsplit("</think>", maxsplit=1)[-1], flags=re.DOTALL)
    return str(found[-1]) if found else None


def checks(gold: dict[str, Any]) -> str:
    """The Python text that fails unless the program before it passes the gold's tests."""
    if "test_code" in gold:
        return f"{gold['test_code']}\ncheck({gold['entry_point']})\n"
    if "assert_case" in gold:
        return "\n".join(gold["assert_case"]) + "\n"
    lines = ["import json as _json"]
    for given, expected in zip(gold["inputs"], gold["outputs"], strict=True):
        lines.append(f"_arguments = [_json.loads(line) for line in {given!r}.splitlines()]")
        lines.append(f"assert {gold['fn_name']}(*_arguments) == _json.loads({expected!r})")
    return "\n".join(lines) + "\n"


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@cache
def passes(program: str, ground_truth: str) -> bool:
    """Run a program with its tests in a process of its own, with limits on time and memory."""
    gold = json.loads(ground_truth)
    text = f"{gold.get('import_prefix', '')}\n{program}\n{checks(gold)}"
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", text],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            env={},
            cwd="/",
            preexec_fn=_limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def is_right(row: dict[str, Any], text: str) -> bool:
    """Grade the text of one rollout against a row of a problem file."""
    if "problem" in row:
        return boxed(text) == str(row["answer"])
    program = fenced(text)
    return program is not None and passes(program, row["reward_model"]["ground_truth"])
