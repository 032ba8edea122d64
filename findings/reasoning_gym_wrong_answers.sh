#!/usr/bin/env bash
# Three tasks of reasoning-gym 0.1.25 give full marks to one fixed text whatever the problem: puzzle24 to "6+6+6+6", game_of_life_halting to any text, coin_flip to "0" (unless the gold is 1).
#
# Guess before the run: a task's own gold scores 1.0, and a text that answers another problem stays near 0.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile reasoning-gym==0.1.25
"$dir/venv/bin/python" - <<'EOF'
from importlib.metadata import version

import reasoning_gym

print("reasoning-gym", version("reasoning-gym"))


def entries(task):
    data = reasoning_gym.create_dataset(task, seed=11, size=40)
    return data, [data[i] for i in range(40)]


# "Make 24 using 10, 3, 4, 7": the numbers of the puzzle are never looked at, and the value is cut to a whole number.
data, puzzles = entries("puzzle24")
others = [p for p in puzzles if sorted(p["metadata"]["numbers"]) != [6, 6, 6, 6]]
sixes = [data.score_answer("6+6+6+6", p) for p in others]
print("puzzle24, numbers", others[0]["metadata"]["numbers"], "answer 6+6+6+6 ->", sixes[0])
print("puzzle24, mean of the fixed answer over", len(others), "puzzles:", sum(sixes) / len(sixes))
near = data.score_answer("8*3+1/2", others[0])
print("puzzle24, 8*3+1/2 = 24.5 ->", near)

# "Will it halt? True or False": both texts are compared as truth values, and a text that is not empty is true.
data, boards = entries("game_of_life_halting")
golds = sorted({b["answer"] for b in boards})
flipped = [data.score_answer("False" if b["answer"] == "True" else "True", b) for b in boards]
unsure = [data.score_answer("I do not know", b) for b in boards]
print("game_of_life_halting, golds", golds, "the opposite answer ->", set(flipped), "'I do not know' ->", set(unsure))

# A probability: a wrong number earns the share of characters that agree, counted over the shorter of the two.
data, flips = entries("coin_flip")
apart = [f for f in flips if 0.05 < float(f["answer"]) < 1]
zero = [data.score_answer("0", f) for f in apart]
print("coin_flip, gold", apart[0]["answer"], "answer 0 ->", zero[0], "| all", len(apart), "->", set(zero))

assert len(others) == 40 and set(sixes) == {1.0} and near == 1.0
assert golds == ["False", "True"] and set(flipped) == {1.0} and set(unsure) == {1.0}
assert len(apart) >= 20 and set(zero) == {1.0}
EOF
echo "seen again: fixed wrong answers score 1.0"
