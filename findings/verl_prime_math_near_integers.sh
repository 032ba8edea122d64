#!/usr/bin/env bash
# verl 0.9.1's reward for the numina_* sources, prime_math, gives full marks to whole numbers that are off by up to a ten-thousandth: 10000 for 10001, 40324 for 8!, a remainder off by 50,000 modulo 10^9+7.
#
# Guess before the run: whole numbers are compared exactly, and only decimals with a tolerance.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile sympy==1.14.0 pylatexenc==2.11
"$dir/venv/bin/pip" install -qq --no-compile --no-deps verl==0.9.1 # its rewards alone, without torch and Ray
"$dir/venv/bin/python" - 2>/dev/null <<'EOF'
import sys
import types
from importlib.metadata import distribution, version

home = distribution("verl").locate_file("verl")
for name, folder in (("verl", home), ("verl.utils", home / "utils")):
    sys.modules[name] = types.ModuleType(name)  # their __init__ wants torch
    sys.modules[name].__path__ = [str(folder)]
same = lambda *args, **kwargs: lambda function: function  # noqa: E731
sys.modules["verl.utils.py_functional"] = types.SimpleNamespace(timeout_limit=same)
sys.modules["verl.utils.import_utils"] = types.SimpleNamespace(deprecated=same)
from verl.utils.reward_score import default_compute_score

print("verl", version("verl"), "sympy", version("sympy"))


def reward(source, answer, gold):
    text = f"Answer: {answer}" if source == "math_dapo" else rf"The answer is $\boxed{{{answer}}}$."
    score = default_compute_score(source, text, gold)
    return float(score["score"] if isinstance(score, dict) else score)


numina = "numina_olympiads"
seen = {}
for gold, answer in [
    ("10001", "10000"),
    ("100000", "99999"),
    ("40320", "40324"),
    ("65536", "65535"),
    ("1000000006", "1000050006"),
    ("5001", "5000"),
    ("100000", "99989"),
]:
    seen[gold, answer] = reward(numina, answer, gold)
    print(f"{numina}: gold {gold:11} answer {answer:11} -> {seen[gold, answer]}")
assert list(seen.values()) == [1.0] * 5 + [0.0] * 2

# Two that verl's other rewards by text share; 1 1/2 is not 11/2, and 0.3 is not 1/3.
others = ("numina_olympiads", "math_dapo", "lighteval/MATH")
mixed = [reward(source, "1 1/2", "11/2") for source in others]
periodic = [reward(source, "0.3", r"0.\overline{3}") for source in others]
print(others, r"gold 11/2, answer 1 1/2 ->", mixed, r"gold 0.\overline{3}, answer 0.3 ->", periodic)
assert mixed == [1.0, 1.0, 1.0] and periodic == [1.0, 1.0, 0.0]
EOF
echo "seen again: wrong whole numbers are rewarded in full"
