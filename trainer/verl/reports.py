"""What is known of each rollout, on its way from the reward manager to the advantage estimator."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from itertools import groupby

import torch
from pydantic import TypeAdapter

from hipo_data.prompts.formats.completions import Reading
from hipo_data.prompts.formats.parts import Segment
from hipo_data.trainer.algorithms.rollouts import ModeCode, segment_tensor
from hipo_data.trainer.facts.scoring import Facts

REPORT = "hipo_data"
"""The key of the report in verl's `reward_extra_info`. It is a string there, which verl leaves out of its metrics."""


@dataclass(frozen=True)
class Report:
    """`facts.scoring.Facts` of one rollout, and its segments as (part, tokens) one after another."""

    correct: bool
    known: bool
    well_formed: bool
    truncated: bool
    modes: int
    budgets: int
    reference: float | None
    segments: list[tuple[Segment, int]]

    @property
    def lengths(self) -> int:
        """Tokens of the completion."""
        return sum(count for _, count in self.segments)

    def dumps(self) -> str:
        """As JSON."""
        return _REPORTS.dump_json(self).decode()


_REPORTS = TypeAdapter(Report)


@dataclass
class Lent:
    """What an estimator may see of the batch that it is called for, a row each; null for a row of padding."""

    reports: Sequence[Report | None]
    families: Sequence[str]
    progress: float | None = None
    """The number of the step, from 1 on, by that of all."""
    figures: dict[str, float] = field(default_factory=dict)
    """What the estimator found, for the log."""


_LENT: ContextVar[Lent | None] = ContextVar("lent", default=None)


@contextmanager
def lent(batch: Lent) -> Iterator[Lent]:
    """Lends a batch to the estimator that is called inside."""
    token = _LENT.set(batch)
    try:
        yield batch
    finally:
        _LENT.reset(token)


def borrowed() -> Lent | None:
    """The batch that is lent now."""
    return _LENT.get()


def report_of(facts: Facts, reading: Reading) -> Report:
    """The report of a rollout that was scored alone: facts of one row."""
    said = {name: getattr(facts, name)[0].item() for name in _FACTS if name != "lengths"}
    runs = [(segment, len(list(run))) for segment, run in groupby(reading.segments)]
    return Report(**said, segments=runs)


def parse_report(text: str) -> Report:
    """The inverse of `Report.dumps`; NaN comes back as null."""
    return _REPORTS.validate_json(text)


_FACTS = [field.name for field in fields(Facts)]
_PADDING = Report(False, False, False, False, int(ModeCode.NONE), 0, None, [])


def facts_of(reports: Sequence[Report | None], device: torch.device) -> Facts:
    """Facts of a batch, (B,). A row of padding has an unknown verdict and no mode."""
    rows = [report or _PADDING for report in reports]
    return Facts.of({name: [getattr(row, name) for row in rows] for name in _FACTS}, device)


def segments_of(reports: Sequence[Report | None], response_mask: torch.Tensor) -> torch.Tensor:
    """Codes of `Segment`, (B, T) int64, zero on padding. Raises `ValueError` where a report is of other tokens.

    response_mask: (B, T), 1 on the tokens of the response.
    """
    for at, (report, tokens) in enumerate(zip(reports, response_mask.sum(dim=1).tolist(), strict=True)):
        if report is not None and report.lengths != tokens:
            raise ValueError(
                f"rollout {at} has {tokens} tokens of its own, its report is of {report.lengths}: these estimators are "
                "for responses of a single turn"
            )
    parts = [[part for part, count in (report or _PADDING).segments for _ in range(count)] for report in reports]
    return segment_tensor(parts, response_mask.shape[1]).to(response_mask.device)
