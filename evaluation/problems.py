"""The problems of an evaluation: from a published dataset, or from any evaluation set."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hipo_data.graders import GoldError, parse_gold
from hipo_data.schemas.choice_columns import choice_columns
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.gold import ChoiceGold, Gold, gold_from_json, gold_to_json
from hipo_data.schemas.keys import digest, problem_id
from hipo_data.schemas.lettered_options import in_one_order, unordered, with_options, without_options
from hipo_data.schemas.option_order import shuffled
from hipo_data.schemas.records import Kind
from hipo_data.schemas.tables import Row, lookup, read_rows, source_files

_SUFFIXES = (".parquet", ".jsonl", ".json", ".ndjson")
_COLUMNS = {
    "id": ("id", "problem_id", "extra_info.problem_id", "task_id"),
    "kind": ("kind", "ability"),
    "question": ("question", "problem", "prompt"),
    "gold": ("gold", "extra_info.gold", "reward_model.ground_truth", "ground_truth", "answer"),
    "source": ("source", "data_source", "dataset"),
    "family": ("family", "domain", "subject"),
    "difficulty": ("difficulty", "level"),
}
"""Where a field may stand in a row; the first that holds something counts."""
_SHUFFLED_BY = 0
"""Options are in the same order in every evaluation, so that two can be compared."""


@dataclass(frozen=True)
class EvalProblem:
    """One problem with its gold. `difficulty` is any number that grows with it."""

    problem_id: str
    kind: Kind
    chat: tuple[Mapping[str, str], ...]
    gold: Gold
    source: str
    family: str | None = None
    difficulty: float | None = None

    @property
    def question(self) -> str:
        """What the user asks last."""
        return self.chat[-1]["content"]


@dataclass(frozen=True)
class ProblemSet:
    """Problems in the order of their rows, and how many rows repeat an earlier one."""

    problems: list[EvalProblem]
    repeated: int


def read_problems(path: str | Path, split: str = "validation", limit: int | None = None) -> list[EvalProblem]:
    """The problems of `read_problem_set` alone."""
    return read_problem_set(path, split, limit).problems


def read_problem_set(path: str | Path, split: str = "validation", limit: int | None = None) -> ProblemSet:
    """The problems of a published dataset (its folder, or its rl/) or of a JSON Lines or Parquet file, in order.

    A row of a file has a question (`question`, `problem` or verl's `prompt`) and a gold (`gold`, `answer` or
    `reward_model.ground_truth`) in any shape that `graders.parse_gold` reads, and may have `kind` (math where it is
    missing, choice where columns hold options as `schemas.choice_columns` knows them), `unit` of a math answer, `id`,
    `source`, `family` or `domain`, and `difficulty` or `level`. Options that the question does not show are shuffled
    into it. Rows of rl/ without a difficulty take the teacher's share of failures, the mean over the modes that were
    sampled. `split` picks files of a published dataset. What an earlier row asks, with the same gold, is asked once
    under whatever id, and counted. Raises `UserError`, which counts rows from 0 as `hipo-data explain` does, where a
    row cannot be graded, asks what an earlier one does and has another gold, or has the id of another question, or
    nothing is left.
    """
    files = _files(Path(path), split)
    problems: dict[str, EvalProblem] = {}
    asked: set[str] = set()
    golds: dict[str, tuple[str, str]] = {}
    repeated = 0
    for file in files:
        for row in _rows(file):
            if limit is not None and len(problems) == limit:
                break
            place = f"{file}, row {row.number}"
            problem = _problem(row, place, file.stem)
            gold = gold_to_json(problem.gold)
            before, where = golds.setdefault(digest([dict(message) for message in problem.chat]), (gold, place))
            if before != gold:
                raise UserError(
                    f"{place} asks the same as {where} and has another gold, so that a response would be right by one "
                    "and wrong by the other; correct or remove one of them"
                )
            same = _same(problem)
            if same in asked:
                repeated += 1
                continue
            asked.add(same)
            if problem.problem_id in problems:
                raise UserError(
                    f"{place}: an earlier row has the same id or question ({problem.problem_id}) and is another "
                    "problem; remove one of them, or give each an `id` of its own"
                )
            problems[problem.problem_id] = problem
    if not problems:
        raise UserError(f"{path} holds no problems; an evaluation needs at least one row")
    return ProblemSet(list(problems.values()), repeated)


def problems_hash(problems: Sequence[EvalProblem]) -> str:
    """A fingerprint of all that the problems say, their order included."""
    return digest([[each.problem_id, [dict(m) for m in each.chat], gold_to_json(each.gold)] for each in problems])


def _same(problem: EvalProblem) -> str:
    """What two rows have in common that ask the same: the question as ids see it, what stands before it, the gold."""
    before = [dict(message) for message in problem.chat[:-1]]
    return digest([problem.kind, before, problem_id(problem.question), gold_to_json(problem.gold)])


def _files(path: Path, split: str) -> list[Path]:
    if not path.is_dir():
        try:
            files = source_files(str(path))
        except FileNotFoundError as error:
            raise UserError(f"there is no evaluation set: {error}") from error
        wrong = next((file for file in files if file.suffix not in _SUFFIXES), None)
        if wrong is not None:
            raise UserError(f"{wrong}: an evaluation set has a name that ends in .jsonl or .parquet")
        return files
    folder = path / "rl" if (path / "rl").is_dir() else path
    files = sorted(folder.glob(f"{split}-*.parquet"))
    if not files:
        splits = sorted({file.name.partition("-")[0] for file in folder.glob("*-*.parquet")})
        there = f"it has {', '.join(splits)}" if splits else "it holds no published split at all"
        raise UserError(f"{folder} has no split '{split}'; {there}; name another split, or a file")
    return files


def _rows(path: Path) -> Iterator[Row]:
    try:
        yield from read_rows(path)
    except ValueError as error:
        raise UserError(str(error)) from error


def _problem(row: Row, place: str, stem: str) -> EvalProblem:
    if row.values is None:
        raise UserError(f"{place} cannot be read: {row.error}")
    found = {name: _first(row.values, columns) for name, columns in _COLUMNS.items()}
    if found["kind"] in (None, Kind.CHOICE.value) and not _is_published(found["gold"]):
        found |= _of_choice(row.values)
    chat = _chat(found["question"], place)
    kind = _kind(found["kind"], place)
    if found["gold"] is None:
        raise UserError(
            f"{place} has no gold, so no response to it can be graded; put the right answer into a column `gold` (or "
            "`answer`)"
        )
    try:
        gold = _gold(kind, _measured(kind, found["gold"], row.values))
    except GoldError as error:
        raise UserError(f"{place}: the gold cannot be graded with ({error}); correct or remove the row") from error
    if isinstance(gold, ChoiceGold):
        chat, gold = _with_options(chat, gold)
    return EvalProblem(
        problem_id=str(found["id"]) if found["id"] is not None else problem_id(unordered(chat[-1]["content"])),
        kind=kind,
        chat=chat,
        gold=gold,
        source=str(found["source"] or stem),
        family=None if found["family"] is None else str(found["family"]),
        difficulty=_difficulty(found["difficulty"], row.values, place),
    )


def _measured(kind: Kind, said: Any, values: dict[str, Any]) -> Any:
    """An answer with the unit that stands in a column of its own; all else as it is."""
    unit = values.get("unit")
    is_answer = isinstance(said, int | float) or (isinstance(said, str) and not said.lstrip().startswith("{"))
    if kind is not Kind.MATH or not is_answer or not isinstance(unit, str) or not unit.strip():
        return said
    return {"quantity": said, "unit": unit.strip()}


def _of_choice(values: dict[str, Any]) -> dict[str, Any]:
    """What a row says that has its options in columns of their own; nothing where it has none."""
    nested = {
        f"{name}.{key}": inner
        for name, value in values.items()
        if isinstance(value, dict)
        for key, inner in value.items()
    }
    flat = values | nested
    columns = choice_columns({name: [value] for name, value in flat.items() if value is not None})
    if columns is None:
        return {}
    if columns.wrong:
        wrong = [flat[name] for name in columns.wrong]
        gold = {"right": flat[columns.gold], "wrong": wrong[0] if isinstance(wrong[0], list) else wrong}
    else:
        options = [flat[name] for name in columns.options]
        # One row alone does not tell a letter from an option that says it: where it may be either, it is refused.
        way = "index" if columns.gold_is == "index" else "answer"
        gold = {"options": options[0] if len(options) == 1 else options, way: flat[columns.gold]}
    return {"kind": Kind.CHOICE.value, "question": flat[columns.question], "gold": gold}


def _with_options(
    chat: tuple[Mapping[str, str], ...], gold: ChoiceGold
) -> tuple[tuple[Mapping[str, str], ...], ChoiceGold]:
    """A question that shows its options, shuffled where it did not."""
    asked = chat[-1]["content"]
    parts = without_options(asked)
    if parts is not None and parts[1] == gold.options:
        return chat, gold
    gold = shuffled(gold, _SHUFFLED_BY, problem_id(with_options(asked, in_one_order(gold.options))))
    turn = {"role": "user", "content": with_options(asked.strip(), gold.options)}
    return (*chat[:-1], turn), gold


def _is_published(said: Any) -> bool:
    return isinstance(said, str) and said.startswith('{"type":')


def _gold(kind: Kind, said: Any) -> Gold:
    if _is_published(said):  # other texts may be answers themselves
        try:
            return gold_from_json(said)
        except ValidationError as error:
            raise GoldError("bad_gold", f"it is none of the published shapes: {error}") from error
    return parse_gold(kind, said)


def _first(values: dict[str, Any], columns: Sequence[str]) -> Any:
    found = (lookup(values, column) for column in columns)
    return next((value for value in found if value is not None and value != ""), None)


def _chat(said: Any, place: str) -> tuple[Mapping[str, str], ...]:
    if isinstance(said, str):
        return ({"role": "user", "content": said},)
    if isinstance(said, list) and said and all(_is_message(each) for each in said) and said[-1]["role"] == "user":
        return tuple({"role": each["role"], "content": each["content"]} for each in said)
    raise UserError(
        f"{place} has no question; put its text, or messages that end with the user's, into a column `question` (or "
        "`problem`, `prompt`)"
    )


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("role", "content"))


def _kind(said: Any, place: str) -> Kind:
    name = "math" if said is None else str(said).lower()
    if name not in tuple(Kind):
        raise UserError(f"{place} has kind '{said}', but only math, code and choice can be graded")
    return Kind(name)


def _difficulty(said: Any, values: dict[str, Any], place: str) -> float | None:
    if said is not None:
        try:
            number = float(said)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise UserError(f"{place} has the difficulty {said!r}, which is no number")
        return number
    rates = [lookup(values, f"extra_info.{name}") for name in ("p_on", "p_off")]
    failures = [1 - float(rate) for rate in rates if isinstance(rate, (int, float))]
    return sum(failures) / len(failures) if failures else None
