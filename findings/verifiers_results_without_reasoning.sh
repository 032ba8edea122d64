#!/usr/bin/env bash
# verifiers 0.1.10 saves results without reasoning_content: a response that reasoned in 1,000 words and one that did not reason at all are the same line of results.jsonl.
#
# Guess before the run: what a server returns beside the content is saved with the message, as verifiers 0.4.0 does.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile verifiers==0.1.10
"$dir/venv/bin/python" - "$dir" <<'EOF'
import sys
from importlib.metadata import version
from pathlib import Path

from verifiers.types import State
from verifiers.utils.save_utils import save_outputs, state_to_output

print("verifiers", version("verifiers"))


def saved(turn):
    state = State(prompt=[{"role": "user", "content": "2+2?"}], completion=[turn], answer="4", reward=1.0)
    return state_to_output(state)


reasoned = {"role": "assistant", "content": "4", "reasoning_content": "two and two " * 250}
plain = {"role": "assistant", "content": "4"}
save_outputs([saved(reasoned), saved(plain)], Path(sys.argv[1]))
first, second = (Path(sys.argv[1]) / "results.jsonl").read_text().splitlines()
print(first)
assert "two and two" not in first and first == second
EOF
