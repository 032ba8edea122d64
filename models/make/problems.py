"""The problem files: which problems are in them and how a row of each source looks."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from hipo_data.models.make import arithmetic, programs
from hipo_data.models.make.tasks import CODE_FAMILIES, MATH_FAMILIES, Pool, Task, order_of, pool_of
from hipo_data.schemas.errors import UserError

MAKERS: Final[dict[str, Callable[[random.Random], Task]]] = {
    "pick": arithmetic.pick,
    "sum2": arithmetic.sum2,
    "sum3": arithmetic.sum3,
    "range": arithmetic.spread,
    "digit_sum": arithmetic.digit_sum,
    "sum_long": arithmetic.sum_long,
    "chain": arithmetic.chain,
    "product": arithmetic.product,
    "code_direct": programs.code_direct,
    "code_constant": programs.code_constant,
    "code_steps": programs.code_steps,
}

# Problems of each family in the train files; the held-out files have half as many.
TRAIN_COUNTS: Final = {
    "pick": 40,
    "sum2": 60,
    "sum3": 60,
    "range": 50,
    "digit_sum": 30,
    "sum_long": 50,
    "chain": 40,
    "product": 30,
    "code_direct": 50,
    "code_constant": 40,
    "code_steps": 30,
}
_GIVING_UP: Final = 100_000
"""Draws without anything new by which a pool counts as used up, beyond those in which quotas bind."""
FILES: Final = {"acereason_math": MATH_FAMILIES, "skywork_code": CODE_FAMILIES}


def tasks_of(family: str, pool: Pool, rng: random.Random) -> Iterator[Task]:
    """Endless tasks of one family whose questions belong to `pool`."""
    while True:
        task = MAKERS[family](rng)
        if pool_of(task.question) == pool:
            yield task


def last_digit(task: Task) -> str:
    """What the answers are balanced by: the last digit of the number asked for, or of the program's constant."""
    digits = [character for character in task.answer if character.isdigit()]
    return digits[-1] if digits else ""


def choose(family: str, pool: Pool, count: int, seed: int) -> list[Task]:
    """`count` distinct tasks of a family and pool; each last digit gets the same share of them.

    Raises `UserError` where the pool holds fewer.
    """
    rng = random.Random(f"problems:{seed}:{family}:{pool}")
    quota = -(-count // 10)
    taken: dict[str, Task] = {}
    per_digit: dict[str, int] = {}
    found = 0
    for attempt, task in enumerate(tasks_of(family, pool, rng)):
        digit = last_digit(task)
        # Some families cannot end in every digit; after a while the quota no longer binds.
        if task.question not in taken and (per_digit.get(digit, 0) < quota or attempt > 200 * count):
            taken[task.question] = task
            per_digit[digit] = per_digit.get(digit, 0) + 1
            found = attempt
        if len(taken) >= count:
            break
        if attempt - found > 200 * count + _GIVING_UP:
            raise UserError(
                f"the {pool} pool holds {len(taken)} problems of the family {family}, and {count} are asked for"
            )
    return list(taken.values())


def choose_all(pool: Pool, families: tuple[str, ...], seed: int) -> list[Task]:
    """The tasks of one problem file, families interleaved by the hash of the question."""
    share = {"train": 1, "heldout": 2}[pool]
    tasks = [task for family in families for task in choose(family, pool, TRAIN_COUNTS[family] // share, seed)]
    return sorted(tasks, key=lambda task: order_of(task.question))


def math_row(task: Task) -> dict[str, str]:
    """A row in the shape of nvidia/AceReason-Math."""
    return {"problem": task.question, "answer": task.answer}


def code_gold(task: Task) -> dict[str, Any]:
    """The gold of a code task in one of the three shapes that Skywork-OR1-RL-Data holds, chosen by the question."""
    name = task.entry_point
    shape = int(order_of(task.question)[-4:], 16) % 3
    calls = [(", ".join(map(repr, arguments)), arguments, expected) for arguments, expected in task.cases]
    if shape == 0:
        asserts = "\n".join(f"    assert candidate({text}) == {expected!r}" for text, _, expected in calls)
        return {
            "import_prefix": "import math\nfrom typing import *\n",
            "test_code": f"def check(candidate):\n{asserts}\n",
            "entry_point": name,
        }
    if shape == 1:
        return {
            "inputs": ["\n".join(map(json.dumps, arguments)) for _, arguments, _ in calls],
            "outputs": [json.dumps(expected) for _, _, expected in calls],
            "fn_name": name,
        }
    return {"assert_case": [f"assert {name}({text}) == {expected!r}" for text, _, expected in calls]}


def code_row(task: Task, index: int) -> dict[str, Any]:
    """A row in the shape of the code split of Skywork/Skywork-OR1-RL-Data.

    `model_difficulty` is empty: it counts failures of three DeepSeek-R1 distillations, which were not run on these.
    """
    return {
        "data_source": "hipo-data/tiny-code",
        "prompt": [{"content": task.question, "role": "user"}],
        "ability": "code",
        "reward_model": {"ground_truth": json.dumps(code_gold(task)), "style": "rule"},
        "extra_info": {"index": index, "model_difficulty": {}},
    }


def write(folder: Path, seed: int) -> dict[str, int]:
    """Write the four problem files into `folder` and return how many rows each has."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, int] = {}
    pools: tuple[Pool, Pool] = ("train", "heldout")
    for stem, families in FILES.items():
        for pool in pools:
            tasks = choose_all(pool, families, seed)
            rows = [code_row(t, i) if t.is_code else math_row(t) for i, t in enumerate(tasks)]
            path = folder / f"{stem}.{pool}.jsonl"
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
            written[path.name] = len(rows)
    return written


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a problem file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def question_of(row: dict[str, Any]) -> str:
    """The question of a row of either shape."""
    return str(row["problem"] if "problem" in row else row["prompt"][0]["content"])
