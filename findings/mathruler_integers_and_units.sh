#!/usr/bin/env bash
# mathruler 0.1.0 (EasyR1's grader) calls 1024 wrong where the gold is 2^{10} and 3/4 wrong for 6/8, though it calls 0.75 right for 6/8; and 5 minutes right where the gold is 5 hours.
#
# Guess before the run: answers that are equal by SymPy, which it asks, are right in any form, and another unit of time is another answer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile mathruler==0.1.0 sympy==1.14.0 pylatexenc==2.10 antlr4-python3-runtime==4.11.1 tqdm==4.67.1
"$dir/venv/bin/python" - <<'EOF'
from importlib.metadata import version

from mathruler.grader import grade_answer

print("mathruler", version("mathruler"), "sympy", version("sympy"))
PAIRS = [  # answer, gold, what is seen
    ("0.75", r"\frac{6}{8}", True),
    (r"2\sqrt{3}", r"\sqrt{12}", True),
    ("1024", "2^{10}", False),
    ("12", r"3\cdot 4", False),
    ("2", r"\sqrt{4}", False),
    (r"\frac{3}{4}", r"\frac{6}{8}", False),
    ("5 m", "5 cm", False),
    ("5 minutes", "5 hours", True),
    ("3 inches", "3 feet", True),
    ("y=5", "x=5", True),
]
for answer, gold, seen in PAIRS:
    found = grade_answer(answer, gold)
    print(f"answer {answer:14} gold {gold:14} {'right' if found else 'wrong'}")
    assert found is seen
EOF
echo "seen again: a value in another form is wrong, another unit of time or of length is right"
