"""What came of the arms above the kept one, in the fields of a decision."""

from collections.abc import Sequence

from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.records import Decision, Mode


def beside_dearer(decision: Decision, kept: Mode, arms: Sequence[ArmRate]) -> Decision | None:
    """`decision` with the kept arm as `off` and, as `on`, the best one above it by pass rate (in a tie the lower one).

    Where none above it was sampled, `on` has no counts. Null without arms, and where the cheapest one is kept, since
    `decision` itself says just that.

    Args:
        arms: those of the problem that were sampled.
    """
    own = next((rate for rate in arms if rate.mode == kept), None)
    if own is None or own.arm == 0:
        return None
    above = (rate for rate in arms if rate.arm > own.arm)
    best = max(above, key=lambda rate: (-1 if rate.p is None else rate.p, -rate.arm), default=None)
    margin = None if best is None or best.p is None or own.p is None else best.p - own.p
    return decision.model_copy(update={**_side("on", best), **_side("off", own), "margin": margin})


def _side(name: str, rate: ArmRate | None) -> dict[str, int | float | None]:
    if rate is None:
        return {f"n_{name}": 0, f"right_{name}": 0, **{f"p_{name}{end}": None for end in ("", "_low", "_high")}}
    counts = {f"n_{name}": rate.n, f"right_{name}": rate.right}
    return {**counts, f"p_{name}": rate.p, f"p_{name}_low": rate.p_low, f"p_{name}_high": rate.p_high}
