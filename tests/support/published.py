"""A published dataset on disk, small, in any format, with rows that can be spoilt before they are written."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arrow import arrow_schema
from hipo_data.schemas.gold import AssertGold, MathGold
from hipo_data.schemas.keys import problem_id
from hipo_data.schemas.records import Example, Kind, Message, Mode, Problem, Source
from hipo_data.stages.publish.pairs import PREFERENCE_SCHEMA
from hipo_data.stages.publish.tables import RL_SCHEMA, rl_table
from tests.stages.builders import make_decision

Rows = list[dict[str, Any]]


def make_problems(count: int = 8) -> list[Problem]:
    """Sums, every fourth one in the validation split, and a program last."""
    sums = [
        _problem(f"What is {i} + {2 * i + 1}?", gold=MathGold(answers=[str(3 * i + 1)]), number=i)
        for i in range(count - 1)
    ]
    code = _problem("Write f(x) that doubles x.", gold=AssertGold(asserts=["assert f(2) == 4"]), number=count - 1)
    return [*sums, code]


def make_example(problem: Problem, number: int, form: str = "hipo") -> Example:
    """Think-on for even numbers, think-off for odd ones."""
    mode = Mode.THINK_OFF if number % 2 else Mode.THINK_ON
    gold = problem.gold
    answer = rf"\boxed{{{gold.answers[0]}}}" if isinstance(gold, MathGold) else "def f(x):\n    return 2 * x"
    response = HybridResponse(
        mode=mode,
        justification=f"A short sum, number {'i' * (number % 50)}, that needs no more."
        if FORMATS[form].justifies
        else "",
        reasoning=f"First the one,\n\nthen the other: {answer}" if mode is Mode.THINK_ON else None,
        answer=answer,
    )
    return Example(
        problem_id=problem.problem_id,
        kind=problem.kind,
        split=problem.split,
        question=problem.question,
        mode=mode,
        justification=response.justification,
        reasoning=response.reasoning,
        answer=answer,
        messages=[
            Message(role="user", content=problem.question),
            Message(role="assistant", content=FORMATS[form].render(response)),
        ],
        format=form,
        completion_tokens=20 + number,
        justification_attempts=1,
        p_on=1.0,
        p_off=0.5,
        delta=0.15,
        rule="margin",
        teacher="teacher",
        justifier="teacher",
        rollout_index=0,
        sources=problem.sources,
        licence="mit",
    )


def make_published(
    folder: Path,
    form: str = "hipo",
    preference: bool = False,
    count: int = 8,
    spoil: Callable[[str, str, Rows], None] | None = None,
) -> Path:
    """Writes README.md, sft/, rl/ and, where asked for, preference/.

    `spoil` may change the rows of a part and split before they are written; the card counts what was before.
    """
    problems = sorted(make_problems(count), key=lambda problem: problem.problem_id)
    examples = [make_example(problem, number, form) for number, problem in enumerate(problems)]
    counts: dict[tuple[str, str], int] = {}
    for split in ("train", "validation"):
        chosen = [problem for problem in problems if problem.split == split]
        parts: list[tuple[str, pa.Schema, Rows]] = [
            ("sft", arrow_schema(Example), [each.model_dump(mode="json") for each in examples if each.split == split]),
            ("rl", RL_SCHEMA, rl_rows(chosen)),
        ]
        if preference:
            parts.append(("preference", PREFERENCE_SCHEMA, [_pair(problem, form) for problem in chosen]))
        for part, schema, rows in parts:
            counts[part, split] = len(rows)
            if spoil is not None:
                spoil(part, split, rows)
            write_part(folder, part, split, rows, schema)
    (folder / "README.md").write_text(card(counts), encoding="utf-8")
    return folder


def rl_rows(problems: Iterable[Problem]) -> Rows:
    """As publish writes them."""
    listed = list(problems)
    decisions = {problem.problem_id: make_decision(problem) for problem in listed}
    rows: Rows = rl_table(listed, decisions, 0).to_pylist()
    return rows


def write_part(folder: Path, part: str, split: str, rows: Rows, schema: pa.Schema) -> None:
    """One split in two files, or one where it has one row."""
    (folder / part).mkdir(parents=True, exist_ok=True)
    half = len(rows) // 2
    pieces = [piece for piece in (rows[:half], rows[half:]) if piece]
    for number, piece in enumerate(pieces):
        name = f"{split}-{number:05d}-of-{len(pieces):05d}.parquet"
        pq.write_table(pa.Table.from_pylist(piece, schema=schema), folder / part / name)


def card(counts: dict[tuple[str, str], int]) -> str:
    """The parts of a card that are read again."""
    rows = "\n".join(f"| {part} | {split} | {count} |" for (part, split), count in counts.items())
    files = "\n".join(
        f"- config_name: {part}\n  data_files:\n"
        + "\n".join(f"  - split: {split}\n    path: {part}/{split}-*.parquet" for each, split in counts if each == part)
        for part in dict.fromkeys(part for part, _ in counts)
    )
    return f"---\nconfigs:\n{files}\n---\n\n# Sums\n\n| config | split | rows |\n| --- | --- | --- |\n{rows}\n"


def _problem(question: str, gold: MathGold | AssertGold, number: int) -> Problem:
    return Problem(
        problem_id=problem_id(question),
        kind=Kind.MATH if isinstance(gold, MathGold) else Kind.CODE,
        question=question,
        gold=gold,
        sources=[Source(dataset="org/data", revision="abc", split="train", file="rows.jsonl", row=number)],
        licence="mit",
        split="validation" if number % 4 == 3 else "train",
    )


def _pair(problem: Problem, form: str) -> dict[str, Any]:
    on, off = (make_example(problem, number, form).messages for number in (0, 1))
    return {
        "problem_id": problem.problem_id,
        "prompt": [turn.model_dump() for turn in on[:-1]],
        "chosen": [off[-1].model_dump()],
        "rejected": [on[-1].model_dump()],
        "kind": "both_right",
        "margin": 0.5,
        "chosen_mode": "think_off",
        "rejected_mode": "think_on",
        "chosen_tokens": 9,
        "rejected_tokens": 20,
        "chosen_weight": 0.1,
        "rejected_weight": -0.1,
        "split": problem.split,
        "format": form,
    }
