#!/usr/bin/env bash
# evalplus 0.3.1's sanitize, the step before its grading, drops what a program needs: every decorated function (with @cache the entry point itself goes, and an import is all that is left), functions that yield and do not return, and loops that fill a table. Right programs then fail with NameError or on an empty table.
#
# Guess before the run: of a program that runs as it is, what its entry point reaches stays.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
# The rest of what evalplus asks for is for sampling, which takes no part here.
"$dir/venv/bin/pip" install -qq --no-compile --no-deps evalplus==0.3.1
"$dir/venv/bin/pip" install -qq --no-compile --no-warn-conflicts datasets==5.2.0 tree-sitter==0.25.2 tree-sitter-python==0.25.0 appdirs==1.4.4 wget==3.2 tempdir==0.7.1 multipledispatch==1.0.0 termcolor==3.1.0
HOME="$dir" "$dir/venv/bin/python" - <<'EOF'
from importlib.metadata import version

from evalplus.sanitize import sanitize

print("evalplus", version("evalplus"), "tree-sitter-python", version("tree-sitter-python"))

PROGRAMS = {
    "plain recursion": """
def ways(n):
    return 1 if n < 2 else ways(n - 1) + ways(n - 2)
""",
    "decorated": """
from functools import cache

@cache
def ways(n):
    return 1 if n < 2 else ways(n - 1) + ways(n - 2)
""",
    "helper that yields": """
def pairs():
    a = b = 1
    while True:
        yield a
        a, b = b, a + b

def ways(n):
    steps = pairs()
    for _ in range(n):
        next(steps)
    return next(steps)
""",
    "table filled by a loop": """
table = [1, 1]
for i in range(2, 50):
    table.append(table[i - 1] + table[i - 2])

def ways(n):
    return table[n]
""",
}


def outcome(program):
    names = {}
    try:
        exec(program, names)
        return names["ways"](10)
    except Exception as error:
        return type(error).__name__


seen = {}
for name, program in PROGRAMS.items():
    assert outcome(program) == 89
    left = sanitize(program, entrypoint="ways")
    seen[name] = outcome(left)
    print(f"{name}: 89 as written, {seen[name]} as sanitized; of {len(program.split())} words {len(left.split())} are left")
assert seen == {
    "plain recursion": 89,
    "decorated": "KeyError",
    "helper that yields": "NameError",
    "table filled by a loop": "IndexError",
}
assert sanitize(PROGRAMS["decorated"], entrypoint="ways") == "from functools import cache"
EOF
echo "seen again: sanitize drops parts that the entry point needs"
