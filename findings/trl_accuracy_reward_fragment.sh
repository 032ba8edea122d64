#!/usr/bin/env bash
# TRL 1.16.0's accuracy_reward reads a gold of bare LaTeX as its first plain number: for gold 2\sqrt{3} the right answer earns 0.0 and \boxed{2} earns 1.0.
#
# Guess before the run: a bare gold is read whole (the reward's own example has one, \frac{1}{3}) or else is None, "not parseable".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile math-verify==0.9.0 latex2sympy2-extended==1.11.0 antlr4-python3-runtime==4.13.2 sympy==1.14.0
"$dir/venv/bin/pip" install -qq --no-compile --no-deps trl==1.16.0 # the reward alone, without torch and the trainers
"$dir/venv/bin/python" - <<'EOF'
import sys
import types
from importlib.metadata import distribution, version

home = distribution("trl").locate_file("trl")
package = types.ModuleType("trl")  # trl/__init__ wants torch; the reward needs one function of import_utils
package.__path__ = [str(home)]
checks = types.ModuleType("trl.import_utils")
checks.is_math_verify_available = lambda: True
sys.modules.update({"trl": package, "trl.import_utils": checks})
from trl.rewards.accuracy_rewards import accuracy_reward

print("trl", version("trl"), "math-verify", version("math-verify"))


def reward(answer, gold):
    return accuracy_reward([[{"content": rf"The answer is \boxed{{{answer}}}."}]], [gold])[0]


seen = {}
for gold, fragment in [
    (r"2\sqrt{3}", "2"),
    (r"3\pi", "3"),
    (r"2^{10}", "2"),
    (r"10^{-5}", "10"),
    (r"3-4i", "3"),
    (r"1+\sqrt{5}", "1"),
    (r"\frac{3}{4}\pi", r"\frac{3}{4}"),
]:
    seen[gold] = reward(gold, gold), reward(fragment, gold), reward(gold, rf"\boxed{{{gold}}}")
    print(f"gold {gold:15} right {seen[gold][0]}  \\boxed{{{fragment}}} {seen[gold][1]}  right, with a boxed gold {seen[gold][2]}")
assert set(seen.values()) == {(0.0, 1.0, 1.0)}

# What keeps it from being noticed: golds of other shapes are read whole, or are skipped as the documentation says.
print(r"gold \frac{1}{3}, right:", reward(r"\frac{1}{3}", r"\frac{1}{3}"), r"  gold x^2+1, right:", reward("x^2+1", "x^2+1"))
assert reward(r"\frac{1}{3}", r"\frac{1}{3}") == 1.0 and reward("x^2+1", "x^2+1") is None
EOF
echo "seen again: the fragment is rewarded and the answer is not"
