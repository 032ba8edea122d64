"""Files as people have them, each with the golds that it says."""

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
_SUMS = [(f"What is {first} plus {3 * first}?", str(4 * first)) for first in range(11, 23)]
_WORDS = ("apples", "boats", "cards", "doors", "eggs", "flags", "goats", "hats", "inks", "jars", "keys", "lamps")


@dataclass(frozen=True)
class OwnFile:
    """A file, and what should become of it without an edit."""

    name: str
    write: Callable[[Path], None]
    kept: int
    golds: set[str]
    """First answers of math, or the sort of gold of code."""
    ids: set[str] | None = None
    domains: set[str] | None = None


def _lines(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _csv(path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["problem", "answer"])
    writer.writerows(_SUMS)
    path.write_text(text.getvalue())


def _zst(rows: list[Row]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(_lines(rows))

    return write


def _messages(question: str, answer: str) -> Row:
    parts = [{"type": "text", "text": question}]
    return {
        "messages": [
            {"role": "system", "content": "You are a careful mathematician."},
            {"role": "user", "content": parts},
            {"role": "assistant", "content": f"Adding both gives \\boxed{{{answer}}}."},
        ]
    }


def _conversations(question: str, answer: str) -> Row:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": "Let me see. It is easy."}]
    return {"conversations": turns, "final_answer": answer}


def _gsm(number: int) -> Row:
    things = _WORDS[number]
    asked = f"Ann has {number + 2} {things} and buys 5 more {things}. How many {things} has she got?"
    said = f"She has {number + 2} + 5 = {number + 7} {things}.\nSo the total is found. #### {number + 7}"
    return {"question": asked, "answer": said}


def _boxed(number: int) -> Row:
    asked = f"Find the value of $x$ in ${number + 3}x = 1$, for the {_WORDS[number]}."
    said = f"We divide both sides by {number + 3}. Thus $x = \\boxed{{\\frac{{1}}{{{number + 3}}}}}$, as was asked."
    return {"problem": asked, "level": "Level 2", "solution": said}


def _stdin(number: int) -> Row:
    asked = (
        f"Read a number from the standard input and print its product with {number + 2}, as the {_WORDS[number]} ask."
    )
    cases = {"inputs": ["1\n", "4\n"], "outputs": [f"{number + 2}\n", f"{4 * (number + 2)}\n"]}
    return {"description": asked, "test_cases": json.dumps(cases)}


def _asserts(number: int) -> Row:
    asked = f"Write a function f that adds {number} to its only argument, for {_WORDS[number]}."
    return {
        "task_id": number,
        "text": asked,
        "test_list": [f"assert f(1) == {number + 1}", f"assert f(5) == {number + 5}"],
    }


def _alpaca(number: int, question: str, answer: str) -> Row:
    asked, below = (question, "") if number % 2 else ("Work out what stands below.", question)
    return {"instruction": asked, "input": below, "output": f"The answer is {answer}."}


def _called(number: int) -> Row:
    asked = f"Write a function f{number} that adds {number} to its only argument, for {_WORDS[number]}."
    tests = f"assert f{number}(1) == {number + 1}\nassert f{number}(5) == {number + 5}"
    return {"prompt": asked, "entry_point": f"f{number}", "tests": tests}


def _own(number: int, question: str, answer: str) -> Row:
    meta = {"source": "school" if number % 2 else "club", "level": number}
    return {"uid": f"sum-{number}", "meta": meta, "difficulty": number / 20, "prompt": question, "gold": [answer]}


def _gpqa(question: str, answer: str) -> Row:
    wrong = {f"Incorrect Answer {number}": str(int(answer) + number) for number in (1, 2, 3)}
    return {"Question": question, "Correct Answer": answer, **wrong, "Explanation": "Adding both gives it."}


def _listed(number: int, question: str, answer: str) -> Row:
    options = [str(int(answer) + more) for more in range(10)]
    options.insert(number % 10, options.pop(0))
    return {"question": question, "options": options, "answer": "ABCDEFGHIJ"[number % 10], "answer_index": number % 10}


def _lettered(question: str, answer: str) -> Row:
    return {"question": question, "choices": [str(int(answer) + more) for more in (3, 0, 2)], "answer": 1}


def _measured(question: str, answer: str) -> Row:
    return {"problem_text": question, "answer_number": answer, "unit": "$\\mathrm{~m}$"}


def _bytes(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


_PLAIN = [{"question": question, "answer": answer} for question, answer in _SUMS]
_GOLDS = {answer for _, answer in _SUMS}
_ROWS = range(len(_WORDS))

FILES = [
    OwnFile("sums.csv", _csv, 12, _GOLDS),
    OwnFile("sums.jsonl.gz", _bytes(gzip.compress(_lines(_PLAIN))), 12, _GOLDS),
    OwnFile("sums.json", _bytes(json.dumps(_PLAIN, indent=1).encode()), 12, _GOLDS),
    OwnFile("sums.jsonl.zst", _zst(_PLAIN), 12, _GOLDS),
    OwnFile("sums.jsonl.bz2", _bytes(bz2.compress(_lines(_PLAIN))), 12, _GOLDS),
    OwnFile(
        "sums.parquet",
        lambda path: pq.write_table(
            pa.table({"problem": [q for q, _ in _SUMS], "answer": [int(a) for _, a in _SUMS]}), path
        ),
        12,
        _GOLDS,
    ),
    OwnFile("chats.jsonl", _bytes(_lines([_messages(*pair) for pair in _SUMS])), 12, _GOLDS),
    OwnFile("sharegpt.jsonl", _bytes(_lines([_conversations(*pair) for pair in _SUMS])), 12, _GOLDS),
    OwnFile("gsm.jsonl", _bytes(_lines([_gsm(at) for at in _ROWS])), 12, {str(at + 7) for at in _ROWS}),
    OwnFile(
        "boxed.jsonl", _bytes(_lines([_boxed(at) for at in _ROWS])), 12, {f"\\frac{{1}}{{{at + 3}}}" for at in _ROWS}
    ),
    OwnFile("programs.jsonl", _bytes(_lines([_stdin(at) for at in _ROWS])), 12, {"stdin"}),
    OwnFile(
        "functions.jsonl", _bytes(_lines([_asserts(at) for at in _ROWS])), 12, {"asserts"}, {str(at) for at in _ROWS}
    ),
    OwnFile("called.jsonl", _bytes(_lines([_called(at) for at in _ROWS])), 12, {"asserts"}),
    OwnFile(
        "alpaca.json",
        _bytes(json.dumps([_alpaca(at, *pair) for at, pair in enumerate(_SUMS)]).encode()),
        12,
        _GOLDS,
    ),
    OwnFile("gpqa.jsonl", _bytes(_lines([_gpqa(*pair) for pair in _SUMS])), 12, {"choice"}),
    OwnFile("pro.jsonl", _bytes(_lines([_listed(at, *pair) for at, pair in enumerate(_SUMS)])), 12, {"choice"}),
    OwnFile("lettered.jsonl", _bytes(_lines([_lettered(*pair) for pair in _SUMS])), 12, {"choice"}),
    OwnFile("measured.jsonl", _bytes(_lines([_measured(*pair) for pair in _SUMS])), 12, _GOLDS),
    OwnFile(
        "named.jsonl",
        _bytes(_lines([_own(at, *pair) for at, pair in enumerate(_SUMS)])),
        12,
        _GOLDS,
        {f"sum-{at}" for at in _ROWS},
        {"school", "club"},
    ),
]
