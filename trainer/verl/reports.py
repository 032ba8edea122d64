"""What is known of each rollout, on its way from the reward manager to the advantage estimator."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from pydantic import TypeAdapter

from hipo_data.trainer.algorithms.rollouts import ModeCode, Segment
from hipo_data.trainer.facts.scoring import Facts
from hipo_data.trainer.tokens.segments import Reading

REPORT = "hipo_data"
"""The key of the report in verl's `reward_extra_info`. It is a string there, which verl leaves out of its metrics."""


@dataclass(frozen=True)
class Report:
    """`facts.scoring.Facts` of one rollout, and its segments as [code of `Segment`, tokens] one after another."""

    correct: bool
    known: bool
    well_formed: bool
    truncated: bool
    mode: int
    budget: int
    reference: float | None
    segments: list[tuple[int, int]]

    def dumps(self) -> str:
        """As JSON."""
        return _REPORTS.dump_json(self).decode()


_REPORTS = TypeAdapter(Report)


@dataclass
class Lent:
    """What an estimator may see of the batch that it is called for, a row each; null for a row of padding."""

    reports: Sequence[Report | None]
    families: Sequence[str]
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
    runs: list[tuple[int, int]] = []
    for code in reading.segments:
        if runs and runs[-1][0] == code:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((int(code), 1))
    reference = float(facts.reference[0])
    return Report(
        correct=bool(facts.correct[0]),
        known=bool(facts.known[0]),
        well_formed=bool(facts.well_formed[0]),
        truncated=bool(facts.truncated[0]),
        mode=int(facts.modes[0]),
        budget=int(facts.budgets[0]),
        reference=None if reference != reference else reference,
        segments=runs,
    )


def parse_report(text: str) -> Report:
    """The inverse of `Report.dumps`."""
    return _REPORTS.validate_json(text)


_PADDING = Report(False, False, False, False, int(ModeCode.NONE), 0, None, [])


def facts_of(reports: Sequence[Report | None], device: torch.device) -> Facts:
    """Facts of a batch, (B,). A row of padding has an unknown verdict and no mode."""
    rows = [report or _PADDING for report in reports]

    def column(values: Sequence[float | None], dtype: torch.dtype) -> torch.Tensor:
        return torch.tensor([float("nan") if v is None else v for v in values], device=device).to(dtype)

    return Facts(
        correct=column([row.correct for row in rows], torch.bool),
        known=column([row.known for row in rows], torch.bool),
        well_formed=column([row.well_formed for row in rows], torch.bool),
        truncated=column([row.truncated for row in rows], torch.bool),
        modes=column([row.mode for row in rows], torch.int64),
        lengths=column([sum(count for _, count in row.segments) for row in rows], torch.int64),
        budgets=column([row.budget for row in rows], torch.int64),
        reference=column([row.reference for row in rows], torch.float32),
    )


def segments_of(reports: Sequence[Report | None], response_mask: torch.Tensor) -> torch.Tensor:
    """Codes of `Segment`, (B, T) int64, zero on padding. Raises `ValueError` where a report is of other tokens.

    response_mask: (B, T), 1 on the tokens of the response.
    """
    segments = torch.full_like(response_mask, int(Segment.NONE), dtype=torch.int64)
    for at, report in enumerate(reports):
        tokens, codes = int(response_mask[at].sum()), []
        for code, count in report.segments if report else []:
            codes += [code] * count
        if report is not None and len(codes) != tokens:
            raise ValueError(
                f"rollout {at} has {tokens} tokens of its own, its report is of {len(codes)}: these estimators are for "
                "responses of a single turn"
            )
        segments[at, : len(codes)] = torch.tensor(codes, dtype=torch.int64, device=segments.device)
    return segments
