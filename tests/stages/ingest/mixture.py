"""Real rows in all four shapes, and rows to plant among them, with what has to become of each."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hipo_data.schemas.config import Decontamination, EvaluationSet, NearDuplicates, SourceConfig
from hipo_data.schemas.records import Problem
from tests.stages.ingest.ingesting import (
    ACEREASON,
    AM_THINKING,
    II_THOUGHT,
    SKYWORK,
    Ingested,
    Line,
    Place,
    ace_row,
    acereason,
    am_row,
    am_thinking,
    ii_row,
    ii_thought,
    read,
    sky_row,
    skywork,
    write,
    write_parquet,
)

A_KIND = 12
"""Planted rows of each kind and dress."""


@dataclass(frozen=True)
class Item:
    """A problem before it has the shape of a dataset."""

    question: str
    gold: Any
    kind: str = "math"


def ace(item: Item) -> dict[str, Any]:
    return ace_row(item.question, item.gold)


def sky(item: Item) -> dict[str, Any]:
    return sky_row(item.question, json.dumps([item.gold] if item.kind == "math" else item.gold), item.kind)


def am(item: Item) -> dict[str, Any]:
    return am_row(item.question, item.gold, item.kind)


def ii(item: Item) -> dict[str, Any]:
    if item.kind == "math":
        return ii_row(item.question, {"value": item.gold})
    cases = [{"input": i, "output": o} for i, o in zip(item.gold["inputs"], item.gold["outputs"], strict=True)]
    return ii_row(item.question, {"test_cases": cases, "language": "python"}, "code_verifiable")


@dataclass(frozen=True)
class Shape:
    """A file of a dataset."""

    dataset: str
    file: str
    row: Callable[[Item], dict[str, Any]]
    kinds: str


FILES = [  # in the order in which they are read
    Shape(ACEREASON, "ace.jsonl", ace, "math"),
    Shape(SKYWORK, "sky-code.jsonl", sky, "code"),
    Shape(SKYWORK, "sky-math.parquet", sky, "math"),
    Shape(AM_THINKING, "am-code.jsonl", am, "code"),
    Shape(AM_THINKING, "am-math.jsonl", am, "math"),
    Shape(II_THOUGHT, "ii.parquet", ii, "math code"),
]


@dataclass
class Mixture:
    """What is in each file: real items, then planted rows."""

    items: dict[str, list[Item]]
    planted: dict[str, list[Line]] = field(default_factory=lambda: {shape.file: [] for shape in FILES})

    def plant(self, shape: Shape, row: Line) -> Place:
        self.planted[shape.file].append(row)
        return shape.dataset, shape.file, len(self.items[shape.file]) + len(self.planted[shape.file]) - 1

    def ingest(self, folder: Path, evaluation: list[EvaluationSet]) -> Ingested:
        folder.mkdir()
        for shape in FILES:
            rows = [*map(shape.row, self.items[shape.file]), *self.planted[shape.file]]
            (write if shape.file.endswith(".jsonl") else write_parquet)(folder / shape.file, rows)
        sources: list[SourceConfig] = [
            acereason(folder / "ace*"),
            skywork(folder / "sky*"),
            am_thinking(folder / "am*"),
            ii_thought(folder / "ii*"),
        ]
        near = NearDuplicates()
        return read(*sources, filters={}, near_duplicates=near, decontaminate=Decontamination(sets=evaluation))


def real_items(data: Path) -> dict[str, list[Item]]:
    def rows(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (data / "real" / f"{name}.jsonl").read_text().splitlines()]

    def entry_point(problem: str) -> str:
        name: str = re.findall(r"def (\w+)\(self", problem)[-1]
        return f"Solution().{name}"

    def check(row: dict[str, Any]) -> dict[str, str]:
        return {"test_code": row["tests"]["functional"], "entry_point": entry_point(row["problem"])}

    def cases(tests: list[dict[str, str]]) -> dict[str, list[str]]:
        return {f"{side}s": [test[side] for test in tests] for side in ("input", "output")}

    math = [Item(row["problem"], row["answer"]) for row in rows("math_train")]
    aime = [Item(row["problem"], row["answer"]) for row in rows("aime_train")]
    gsm = [Item(row["question"], row["ground_truth"].rpartition("A: ")[2]) for row in rows("gsm8k_model_solutions")]
    leetcode = [Item(row["problem"], check(row), "code") for row in rows("leetcode") if "def " in row["problem"]]
    contests = [Item(row["problem"], row["tests"], "code") for row in rows("code_contests")]
    forces = [Item(row["problem"], cases(row["tests"]), "code") for row in rows("codeforces")]
    return {
        "ace.jsonl": math[:1_000] + aime,
        "sky-code.jsonl": leetcode + contests,
        "sky-math.parquet": math[1_000:1_800],
        "am-code.jsonl": forces[:100],
        "am-math.jsonl": math[1_800:],
        "ii.parquet": gsm + forces[100:],
    }


def with_instruction(question: str) -> str:
    return f"{question}\nPlease reason step by step, and put your final answer within \\boxed{{}}."


DRESSES: dict[str, tuple[Callable[[str], str], str]] = {  # and of which kinds
    "spaces": (lambda question: f" \n{question.replace(' ', '  ')}\n", "math code"),
    "no-break spaces": (lambda question: question.replace(" ", "\u00a0"), "math code"),
    "lines": (lambda question: question.replace(". ", ".\r\n\t"), "math code"),
    "capitals": (lambda question: question[:20].upper() + question[20:], "math code"),
    "wide letters": (
        lambda question: re.sub(r"\b[a-z]{3,}\b", lambda word: wide(word[0]), question, count=1),
        "math code",
    ),
    "prefix": (lambda question: f"Problem 4.1: {question}", "math"),
    "instruction": (with_instruction, "math"),
}
OTHER_WORDS: dict[str, Callable[[str], str]] = {
    "words more": lambda question: f"{question.rstrip()} Thank you.",
    "words in front": lambda question: f"Hello there! {question}",
    "another word": lambda question: question.replace(" the ", " that ", 1),
}
SETTINGS: list[Callable[[str], str]] = [
    str.strip,
    str.upper,
    lambda question: f"Here is one more. {question}",
    lambda question: f"{question} Good luck!",
]


def wide(word: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in word)


def broken(shape: Shape) -> list[tuple[Line, str]]:
    """Rows of a file that cannot be used, and why."""
    name = shape.file

    def fresh(what: str) -> str:
        return f"Find the number of {what} that stand in the file {name.replace('.', ' ')} at noon."

    lines: list[tuple[Line, str]] = [
        ('{"problem": "cut short', "unreadable"),
        (b'{"problem": "\xff\xfe"}', "unreadable"),
        ("[1, 2]", "unreadable"),
        ('{"problem": "a"}{"problem": "b"}', "unreadable"),
    ]
    rows: dict[Callable[[Item], dict[str, Any]], list[tuple[Line, str]]] = {
        ace: [
            ({"problem": fresh("a")}, "bad_column"),
            (ace_row(7), "bad_column"),
            (ace_row(fresh("b"), "nan"), "gold_without_answer"),
            (ace_row(fresh("r"), "['nan', '']"), "empty_gold"),
            (ace_row(" \n"), "empty_question"),
            ('{"problem": "\\ud800", "answer": "1"}', "bad_text"),
        ],
        sky: [
            (sky_row(fresh("c"), "[]"), "empty_gold"),
            (sky_row(fresh("d"), None), "bad_column"),
            (sky_row(fresh("e"), ability="essay"), "other_domain"),
            (sky_row(fresh("f"), prompt=[]), "bad_column"),
            (sky_row(fresh("g"), '{"inputs": [], "outputs": []}', "code"), "empty_gold"),
            (sky_row(fresh("h"), '{"inputs": ["1"], "outputs": []}', "code"), "bad_gold"),
        ],
        am: [
            (am_row(fresh("i"), category="chat"), "other_domain"),
            (am_row(fresh("j"), None), "no_gold"),
            (am_row(fresh("k"), {"code": "x"}, "code"), "bad_gold"),
            ({"conversations": None}, "other_domain"),
            (am_row(None), "bad_column"),
        ],
        ii: [
            (ii_row(fresh("l"), {"rubric": "x"}, "llm_judge"), "other_domain"),
            (ii_row(fresh("m"), {"patch": "x"}, "swe_verifiable"), "other_domain"),
            (ii_row(fresh("n"), verification_info='{"type": "math_verifiable"'), "bad_gold"),
            (ii_row(fresh("o"), {"test_cases": []}, "code_verifiable"), "empty_gold"),
            (ii_row(fresh("p"), {"test_cases": [], "language": "cpp"}, "code_verifiable"), "other_language"),
            (ii_row(fresh("q"), {"value": None}), "no_gold"),
            (ii_row(None), "bad_column"),
        ],
    }
    return (lines if name.endswith(".jsonl") else []) + rows[shape.row]


def can_hold(shape: Shape, item: Item) -> bool:
    return item.kind in shape.kinds.split() and (shape.row is not ii or item.kind == "math" or "inputs" in item.gold)


@dataclass(frozen=True)
class Original:
    place: Place
    item: Item
    problem: Problem
    at: int
    """Number of its file."""


def originals(base: Mixture, found: Ingested, random: Random) -> list[Original]:
    """Problems of one row that resemble no other, shuffled."""
    near = [row for row in found.rejected if row.reason == "near_duplicate"]
    alike = {word for row in near for word in row.detail.split()}
    files = {shape.file: at for at, shape in enumerate(FILES)}
    picked = []
    for problem in found.problems:
        if len(problem.sources) == 1 and problem.problem_id not in alike:
            source = problem.sources[0]
            item = base.items[source.file][source.row]
            picked.append(Original((source.dataset, source.file, source.row), item, problem, files[source.file]))
    random.shuffle(picked)
    return picked


@dataclass
class Planted:
    """What is planted, by what it is, and what has to become of it."""

    reasons: dict[str, dict[Place, str]] = field(default_factory=dict)
    """The outcome wanted for each place."""
    shown: dict[Place, list[str]] = field(default_factory=dict)
    """What the sentence on a refused row must name."""
    copies: dict[Place, Place] = field(default_factory=dict)
    """Exact duplicates, with the row whose problem they must be of."""
    conflicting: set[Place] = field(default_factory=set)
    """Real rows that a planted one contradicts."""

    def want(self, what: str, place: Place, outcome: str, *shown: str) -> None:
        self.reasons.setdefault(what, {})[place] = outcome
        self.shown[place] = list(shown)


class Planter:
    """Plants rows into a mixture, each beside an original of its own."""

    def __init__(self, mixture: Mixture, pool: list[Original], random: Random) -> None:
        self.mixture, self.pool, self.random = mixture, pool, random
        self.planted = Planted()

    def copies(self) -> None:
        for dress, (change, kinds) in DRESSES.items():
            for original in self._take(_changed_by(change, kinds)):
                place = self._put(original, change(original.item.question))
                self.planted.want(f"exact duplicate: {dress}", place, "problem")
                self.planted.copies[place] = original.place

    def near_duplicates(self) -> None:
        for words, change in OTHER_WORDS.items():
            for original in self._take(
                lambda original: len(original.item.question.split()) > 60 and " the " in original.item.question
            ):
                place = self._put(original, change(original.item.question), first=original.at)
                self.planted.want(f"near-duplicate: {words}", place, "near_duplicate", original.problem.problem_id)

    def conflicts(self) -> None:
        for original in self._take(lambda original: bool(re.fullmatch(r"-?\d+", str(original.item.gold)))):
            self._contradict(original, str(int(original.item.gold) + 1), "math")
        for original in self._take(lambda original: "inputs" in original.item.gold and original.item.kind == "code"):
            gold = original.item.gold
            self._contradict(original, gold | {"outputs": ["other", *gold["outputs"][1:]]}, "code")

    def contaminated(self, questions: dict[str, list[tuple[int, str]]]) -> None:
        for name, rows in questions.items():
            kind, gold = ("code", {"inputs": ["1"], "outputs": ["1"]}) if "humaneval" in name else ("math", "1")
            for number, question in rows:
                dress = self.random.choice(SETTINGS)
                item = Item(dress(question), gold, kind)
                shape = self.random.choice([shape for shape in FILES if can_hold(shape, item)])
                place = self.mixture.plant(shape, shape.row(item))
                self.planted.want(f"contaminated: {name}", place, "contaminated", f" {name} row {number}: ")

    def broken(self) -> None:
        for shape in FILES:
            for row, reason in broken(shape):
                self.planted.want(f"broken: {reason}", self.mixture.plant(shape, row), reason)

    def _contradict(self, original: Original, gold: Any, kind: str) -> None:
        place = self._put(original, f" {original.item.question}\n", gold)
        where = [f"{dataset} {file}:{row}" for dataset, file, row in (original.place, place)]
        self.planted.want(f"gold conflict: {kind}", place, "gold_conflict", *where)
        self.planted.conflicting.add(original.place)
        self.planted.shown[original.place] = where

    def _take(self, wanted: Callable[[Original], bool]) -> list[Original]:
        taken = [original for original in self.pool if wanted(original)][:A_KIND]
        assert len(taken) == A_KIND
        self.pool = [original for original in self.pool if original not in taken]
        return taken

    def _put(self, original: Original, question: str, gold: Any = None, first: int = 0) -> Place:
        item = Item(question, original.item.gold if gold is None else gold, original.item.kind)
        shape = self.random.choice([shape for shape in FILES[first:] if can_hold(shape, item)] or [FILES[original.at]])
        return self.mixture.plant(shape, shape.row(item))


def _changed_by(change: Callable[[str], str], kinds: str) -> Callable[[Original], bool]:
    return lambda original: original.item.kind in kinds and change(original.item.question) != original.item.question
