"""Facts about a batch of rollouts: were they right, well-formed, in which mode, how long."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch

from hipo_data.graders import Grader
from hipo_data.prompts.formats.completions import Reading, read_completion
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.gold import Gold, gold_from_json
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import Grade, Kind, Status
from hipo_data.trainer.algorithms.rollouts import ModeCode

_DTYPES = {"modes": torch.int64, "lengths": torch.int64, "budgets": torch.int64, "reference": torch.float32}


@dataclass(frozen=True)
class Facts:
    """One value a rollout, (B,); rollouts of a prompt stand together, `group` of them."""

    correct: torch.Tensor
    """Bool. False where the verdict is unknown."""
    known: torch.Tensor
    """Bool. False where the grader could not tell."""
    well_formed: torch.Tensor
    """Bool: parsed by the format, and ended by the model."""
    truncated: torch.Tensor
    """Bool: the limit on tokens was reached."""
    modes: torch.Tensor
    """Codes of `ModeCode`, int64."""
    lengths: torch.Tensor
    """Tokens of the completion, int64."""
    budgets: torch.Tensor
    """Tokens that the prompt asked for, int64; zero where it asked for none."""
    reference: torch.Tensor
    """Pass rate of the reference with thinking, float32; NaN where it is not known."""

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]], device: torch.device) -> "Facts":
        """Facts from plain values, a column a field; a reference that is not known is null."""

        def tensor(name: str) -> torch.Tensor:
            values = [float("nan") if value is None else value for value in columns[name]]
            return torch.tensor(values, dtype=_DTYPES.get(name, torch.bool), device=device)

        return cls(**{field.name: tensor(field.name) for field in fields(cls)})

    def gathered(self, gather: Callable[[torch.Tensor], torch.Tensor]) -> "Facts":
        """The facts of all processes, in the order of their ranks."""
        return Facts(**{field.name: gather(getattr(self, field.name)) for field in fields(self)})


def read_gold(text: str, problem: str, advice: str) -> Gold:
    """A gold as datasets hold it, JSON. Raises `UserError`, with what to do, where `problem` has none of ours."""
    try:
        return gold_from_json(text)
    except ValueError as error:
        raise UserError(f"{problem} has a ground_truth that is no gold of this project; {advice}") from error


class Scorer:
    """Reads and grades completions; equal answers to a problem are graded once.

    given: what all prompts end in after the bare generation prompt; null for the format's `prompt_suffix`.
    """

    def __init__(
        self, style: Format, tokenizer: Any, end_ids: frozenset[int], grader: Grader, given: str | None = None
    ) -> None:
        self._format, self._tokenizer, self._end_ids, self._grader = style, tokenizer, end_ids, grader
        self._given = given

    def __call__(
        self, rows: Sequence[dict[str, Any]], completions: Sequence[Sequence[int]], device: torch.device
    ) -> tuple[Facts, list[Reading]]:
        """Facts and readings. rows: `problem_id`, `kind`, `question`, `gold`, `p_on`, `budget` of each rollout."""
        readings = [
            read_completion(self._format, self._tokenizer, ids, self._end_ids, self._given) for ids in completions
        ]
        truncated = [not ids or ids[-1] not in self._end_ids for ids in completions]
        statuses = self._statuses(rows, readings, truncated)

        columns: dict[str, Sequence[Any]] = {
            "correct": [status is Status.CORRECT for status in statuses],
            "known": [status is not Status.UNKNOWN for status in statuses],
            "well_formed": [reading.response is not None for reading in readings],
            "truncated": truncated,
            "modes": [int(ModeCode.of(reading.mode)) for reading in readings],
            "lengths": [len(ids) for ids in completions],
            "budgets": [row["budget"] for row in rows],
            "reference": [row["p_on"] for row in rows],
        }
        return Facts.of(columns, device), readings

    def _statuses(
        self, rows: Sequence[dict[str, Any]], readings: Sequence[Reading], truncated: Sequence[bool]
    ) -> list[Status]:
        """A truncated response is wrong; a malformed one is graded by its whole text."""
        keys = [
            None if cut else (row["problem_id"], reading.response.answer if reading.response else reading.text)
            for row, reading, cut in zip(rows, readings, truncated, strict=True)
        ]
        asked: dict[tuple[str, str], GradeRequest] = {}
        for row, key in zip(rows, keys, strict=True):
            if key is not None and key not in asked:
                asked[key] = GradeRequest(
                    id=row["problem_id"],
                    kind=Kind(row["kind"]),
                    question=row["question"],
                    gold=gold_from_json(row["gold"]),
                    response=key[1],
                )
        grades: dict[tuple[str, str], Grade] = dict(zip(asked, self._grader.grade(list(asked.values())), strict=True))
        return [Status.INCORRECT if key is None else grades[key].status for key in keys]
