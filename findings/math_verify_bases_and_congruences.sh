#!/usr/bin/env bash
# math-verify 0.9.0 drops the base of a number, and of a congruence without braces the residue: 101_2, 101_3 and 101 are equal, so that a number given in another base than the question's is right, and n \equiv 3 \pmod 4 is the number 4: the answer 4 is right and 3 is wrong, where \pmod{4} gives 3.
#
# Guess before the run: two numerals in two bases differ, and of a congruence the residue is what counts, or nothing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile math-verify==0.9.0 latex2sympy2-extended==1.11.0 sympy==1.14.0 antlr4-python3-runtime==4.13.2
"$dir/venv/bin/python" - 2>/dev/null <<'EOF'
from importlib.metadata import version

from math_verify import parse, verify

print(*(f"{name} {version(name)}" for name in ("math-verify", "latex2sympy2-extended")))


def says(gold, answer):
    return verify(parse(f"${gold}$"), parse(f"${answer}$"))


for digits, one, other in (("101", 2, 3), ("1210", 3, 5), ("777", 8, 9)):
    gold, answer = f"{digits}_{{{one}}}", f"{digits}_{{{other}}}"
    values = int(digits, one), int(digits, other)
    print(f"gold {gold} = {values[0]}, answer {answer} = {values[1]}: {says(gold, answer)}; its value: {says(gold, str(values[0]))}")
    assert says(gold, answer) and not says(gold, str(values[0]))

for residue, modulus in ((3, 4), (5, 8), (1, 7)):
    for written, read in ((f"{modulus}", modulus), (f"{{{modulus}}}", residue)):
        gold = rf"n \equiv {residue} \pmod {written}"
        print(f"gold {gold}: {residue} {says(gold, str(residue))}, {modulus} {says(gold, str(modulus))}")
        assert says(gold, str(read)) and not says(gold, str(residue + modulus - read))
EOF
echo "seen again: bases are dropped, and a congruence without braces is its modulus"
