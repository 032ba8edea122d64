"""What a problem's rollouts in one arm came to, a record like those of `schemas.records`."""

from hipo_data.schemas.records import Mode, Record


class ArmRate(Record):
    """What the rollouts of a problem in one arm came to, of arms and under `effort`. Key: `problem_id`, `mode`.

    Counts, rates and intervals as of `Decision`. An arm that was not sampled, since no dearer one could win, has none.
    """

    problem_id: str
    mode: Mode
    arm: int
    """Its place, the cheapest first, from 0."""
    n: int
    right: int
    unknown: int
    truncated: int
    p: float | None
    p_low: float | None
    p_high: float | None
    tokens: float | None
    pick: int | None
    """Index of its shortest response that may be kept."""
    pick_tokens: int | None
    chosen: bool
    """Whether a response of it is kept."""
    p_asked: float | None = None
    """Under `select.rule: posterior`, the probability that the true rates ask for it; null where it was too seldom
    graded, or a cheaper arm was right every time."""
