"""How far this project's verdicts, and math-verify's, agree with labels that people or data sets gave.

Rows are `id` (the source, a slash, a number), `kind`, `question`, `gold`, `response`, `expect` (correct or incorrect),
and `policy` (true: a matter of taste, which is not counted). They lie in math.jsonl and code.jsonl in
../shared/data/labelled, or in the folder or the files given as arguments. `--disagreements` prints each row that is not
graded as labelled, in a line; `--grades FILE` writes every row's verdict as JSON Lines.

math-verify is asked as its README does, one answer after the other, in as many processes of its own as the graders have
workers. Both do the same rows in each of several rounds, taking turns at going first; the median ratio counts.
Ends with a line of JSON.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hipo_data.graders import GoldError, Grader, parse_gold
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.grading import GradeRequest, GradingConfig

GOALS = {"math": 0.995, "code": 0.99, "speed": 8.0}
WORKERS = 2
ROUNDS = 3
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "labelled"
FILES = ("math.jsonl", "code.jsonl")


@dataclass
class Judged:
    """A labelled row and what was said of it; `plain` is math-verify's verdict, null for programs."""

    row: dict[str, Any]
    status: str
    reason: str
    extracted: str | None
    plain: bool | None = None

    @property
    def source(self) -> str:
        return str(self.row["id"]).rpartition("/")[0] or str(self.row["kind"])

    @property
    def counts(self) -> bool:
        return not self.row.get("policy")

    @property
    def agrees(self) -> bool:
        return self.status == str(self.row["expect"])

    @property
    def plain_agrees(self) -> bool:
        return self.plain == (self.row["expect"] == "correct")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("paths", nargs="*", type=Path, default=[FOLDER], help="a folder, or files of labelled rows")
    options.add_argument("--disagreements", action="store_true", help="print every row not graded as labelled")
    options.add_argument("--grades", type=Path, help="write every row's verdict here, as JSON Lines")
    options.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds of the comparison of speed; 0 leaves it out"
    )
    said = options.parse_args()
    rows = [row for path in said.paths for row in _rows(path)]
    judged, speed = judge(rows, said.rounds)
    show(judged)
    if said.disagreements:
        for item in judged:
            if not item.agrees:
                print(line(item))
    if said.grades:
        said.grades.write_text("".join(f"{json.dumps(_written(item))}\n" for item in judged))
    ratios = {kind: share for kind in ("math", "code") if (share := _share(judged, kind)) is not None}
    ratios |= {} if speed is None else {"speed": speed}
    goal = {name: GOALS[name] for name in ratios}
    print(json.dumps({"benchmark": "verdicts", "ratio": ratios, "goal": goal, "peer": {"speed": "math-verify"}}))


def judge(rows: Sequence[dict[str, Any]], rounds: int) -> tuple[list[Judged], float | None]:
    """What the graders and math-verify say of the rows, and how many times faster the graders are at math."""
    requests, judged = [], []
    for row in rows:
        try:
            gold = parse_gold(row["kind"], row["gold"])
        except GoldError as error:
            judged.append(Judged(row, "unknown", f"{error.reason}: {error}", None))
            continue
        judged.append(Judged(row, "", "", None))
        requests.append(
            GradeRequest(
                id=str(row["id"]), kind=row["kind"], question=row["question"], gold=gold, response=row["response"]
            )
        )
    pending = [item for item in judged if not item.status]
    math = [request for request in requests if isinstance(request.gold, MathGold)]
    code = [request for request in requests if not isinstance(request.gold, MathGold)]
    grades, plain, speed = _math(math, rounds) if math else ([], [], None)
    if code:
        with Grader(GradingConfig(workers=WORKERS)) as grader:
            grades = [*grades, *grader.grade(code)]
    by_request = dict(zip(map(id, [*math, *code]), grades, strict=True))
    plain_by_request = dict(zip(map(id, math), plain, strict=True))
    for item, request in zip(pending, requests, strict=True):
        grade = by_request[id(request)]
        item.status, item.reason, item.extracted = grade.status.value, grade.reason, grade.extracted
        item.plain = plain_by_request.get(id(request))
    return judged, speed


def _math(requests: Sequence[GradeRequest], rounds: int) -> tuple[list[Any], list[bool], float | None]:
    tasks = [(list(request.gold.answers), request.response) for request in requests if request.gold.type == "math"]
    context = multiprocessing.get_context("spawn")
    said: dict[str, Any] = {}

    def plain() -> float:
        with context.Pool(WORKERS) as pool:
            pool.map(_plain, tasks[:WORKERS], 1)
            seconds, said["plain"] = _timed(lambda: pool.map(_plain, tasks, 16))
        return seconds

    def ours() -> float:
        # A grader of its own each round: it remembers the pairs that it has compared.
        with Grader(GradingConfig(workers=WORKERS)) as grader:
            grader.grade([_request(r"x+y", r"\boxed{y+x}"), _request(r"x+z", r"\boxed{z+x}")])
            seconds, said["ours"] = _timed(lambda: grader.grade(requests))
        return seconds

    ratios = []
    for number in range(max(1, rounds)):
        if number % 2:
            fast, slow = ours(), plain()
        else:
            slow, fast = plain(), ours()
        ratios.append(slow / fast)
        print(
            f"math: {len(requests)} rows, math-verify {len(requests) / slow:.0f}/s, the graders "
            f"{len(requests) / fast:.0f}/s, ratio {slow / fast:.2f}"
        )
    return said["ours"], said["plain"], statistics.median(ratios) if rounds else None


def _plain(task: tuple[list[str], str]) -> bool:
    import logging

    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    golds, response = task
    answer = parse(response)
    return any(verify(parse(rf"\boxed{{{gold}}}"), answer) for gold in golds)


def show(judged: Sequence[Judged]) -> None:
    """Prints the table: a row a source, then one a kind; policy rows are left out of all of it."""
    table = Table("source", *_HEADS)
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in ("math", "code"):
        sources: dict[str, list[Judged]] = defaultdict(list)
        for item in judged:
            if item.row["kind"] == kind and item.counts:
                sources[item.source].append(item)
        for source, items in sorted(sources.items()):
            table.add_row(source, *_figures(items))
        if sources:
            everything = [item for items in sources.values() for item in items]
            table.add_row(f"[bold]{kind}", *_figures(everything), end_section=True)
    Console(width=100).print(table)


_HEADS = ("rows", "agree", "false correct", "false incorrect", "unknown", "math-verify")


def _figures(items: Sequence[Judged]) -> list[str]:
    def count(holds: Callable[[Judged], bool]) -> str:
        return str(sum(map(holds, items)))

    asked = any(item.plain is not None for item in items)
    return [
        str(len(items)),
        count(lambda item: item.agrees),
        count(lambda item: item.status == "correct" and not item.agrees),
        count(lambda item: item.status == "incorrect" and not item.agrees),
        count(lambda item: item.status == "unknown"),
        count(lambda item: item.plain_agrees) if asked else "–",
    ]


def line(item: Judged) -> str:
    """A row that is not graded as labelled, in one line."""
    gold, end = json.dumps(item.row["gold"], ensure_ascii=False), str(item.row["response"])[-160:]
    taste = "" if item.counts else " (policy)"
    return (
        f"{item.row['id']}{taste}: labelled {item.row['expect']}, graded {item.status} ({item.reason[:60]}); "
        f"gold {gold[:120]}, found {str(item.extracted)[:120]!r}, response ends {end!r}"
    )


def _written(item: Judged) -> dict[str, Any]:
    named = {name: item.row[name] for name in ("id", "kind", "expect")}
    said = {"status": item.status, "reason": item.reason, "extracted": item.extracted, "math_verify": item.plain}
    return {**named, "policy": not item.counts, **said}


def _share(judged: Sequence[Judged], kind: str) -> float | None:
    counted = [item for item in judged if item.row["kind"] == kind and item.counts]
    return sum(item.agrees for item in counted) / len(counted) if counted else None


def _rows(path: Path) -> list[dict[str, Any]]:
    paths = [path / name for name in FILES if (path / name).is_file()] if path.is_dir() else [path]
    if not paths or not all(item.is_file() for item in paths):
        sys.exit(f"no labelled rows at {path}; give the folder of {' and '.join(FILES)}, or such files, as arguments")
    return [json.loads(text) for item in paths for text in item.read_text().splitlines() if text.strip()]


def _request(gold: str, response: str) -> GradeRequest:
    return GradeRequest(id="", kind="math", question="", gold=MathGold(answers=[gold]), response=response)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
