#!/usr/bin/env bash
# inspect_ai 0.3.285: match(numeric=True) calls the right answers \boxed{5} and \(5\) wrong, though match() without it, which knows no numbers, calls them right.
#
# Guess before the run: numeric=True only forgives more, such as 5.0 for 5, so what match() accepts it accepts as well.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile inspect_ai==0.3.285
"$dir/venv/bin/python" - <<'EOF'
import asyncio
from importlib.metadata import version

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Target, match
from inspect_ai.solver import TaskState

print("inspect_ai", version("inspect_ai"))
ANSWERS = ["The answer is 5.", "**5**.", "$5$", "5.0", "5 apples", r"\boxed{5}", r"The answer is $\boxed{5}$", r"\(5\)"]


def graded(answer, **how):
    output = ModelOutput.from_content("none/none", answer)
    state = TaskState(model="none/none", sample_id=1, epoch=1, input="2 + 3?", messages=[], output=output)
    return asyncio.run(match(**how)(state, Target("5"))).value


seen = {}
for answer in ANSWERS:
    seen[answer] = graded(answer), graded(answer, numeric=True), graded(answer, numeric=True, location="any")
    print(f"{answer:28}match {seen[answer][0]}  numeric {seen[answer][1]}  numeric, any {seen[answer][2]}")
assert [seen[answer] for answer in ("5.0", "5 apples")] == [("I", "C", "C")] * 2
assert [seen[answer] for answer in ANSWERS[-3:]] == [("C", "I", "I")] * 3
EOF
echo "seen again: a box or LaTeX's parentheses around a number make it no number"
