#!/usr/bin/env bash
# math-verify 0.9.0 reads the square of a logarithm, as sympy prints it, as the logarithm of a square: it refuses ln²2 for a gold made with sympy and takes ln 4 for right. Without sympy's braces it reads the same formula as a square.
#
# Guess before the run: what sympy prints comes back as what was printed, as math-verify compares with sympy.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile math-verify==0.9.0 latex2sympy2-extended==1.11.0 sympy==1.14.0 antlr4-python3-runtime==4.13.2
"$dir/venv/bin/python" - 2>/dev/null <<'EOF'
from importlib.metadata import version

import sympy
from math_verify import parse, verify

print(*(f"{name} {version(name)}" for name in ("math-verify", "latex2sympy2-extended", "sympy")))
square = sympy.log(2) ** 2
gold = sympy.latex(square, ln_notation=True)
assert gold == r"\ln{\left(2 \right)}^{2}"


def read(text):
    return parse(f"${text}$")


def says(gold, answer):
    return verify(read(gold), read(answer))


seen = {}
for answer in (r"\ln^2(2)", r"(\ln 2)^2", r"\ln(4)", r"2\ln(2)"):
    right = float(sympy.N(square)) == float(sympy.N(read(answer)[0]))
    seen[answer] = says(gold, answer)
    print(f"gold {gold}, answer {answer}: {seen[answer]}; by value {right}")
    assert seen[answer] is not right
assert says(r"\ln\left(2 \right)^{2}", r"\ln^2(2)") and not says(r"\ln\left(2 \right)^{2}", r"\ln(4)")
print("read:", read(gold)[0], "; without the outer braces:", read(r"\ln\left(2 \right)^{2}")[0])

# Of sympy's elementary functions the logarithm alone is printed with its power behind.
for function in (sympy.sin, sympy.cosh, sympy.exp, sympy.sqrt):
    value = function(3) ** 2
    assert sympy.simplify(read(sympy.latex(value))[0] - value) == 0
EOF
echo "seen again: powers of logarithms are read as logarithms of powers"
