"""Whether arms stand in an order of cost, from cheap to dear."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from hipo_data.schemas.records import Mode
from hipo_data.schemas.role_config import ArmConfig


def order_objection(arms: Sequence[ArmConfig]) -> str | None:
    """Why these arms have no such order, in a sentence; null where they have one."""
    twice = [name for name, count in Counter(arm.name for arm in arms).items() if count > 1]
    if twice:
        return f"roles.arms names '{twice[0]}' twice; give each arm a name of its own"
    if Mode.THINK_OFF in (arm.name for arm in arms[1:]):
        return "roles.arms has 'think_off', which does not reason, after an arm that does; put it first"
    unpriced = [arm.name for arm in arms if arm.cost is None]
    engines = sorted({arm.engine for arm in arms})
    if unpriced and len(engines) > 1:
        return (
            f"roles.arms asks {len(engines)} engines, {' and '.join(engines)}, whose tokens do not cost the same, and "
            f"'{unpriced[0]}' has no cost; set the cost of a token of each arm"
        )
    if unpriced and len(unpriced) < len(arms):
        return f"roles.arms has costs, but '{unpriced[0]}' has none; set the cost of a token of each arm, or of none"
    for cheap, dear in pairwise(arms):
        if cheap.cost is not None and dear.cost is not None and cheap.cost > dear.cost:
            return (
                f"roles.arms has '{cheap.name}', whose tokens cost {cheap.cost:g}, before '{dear.name}' at "
                f"{dear.cost:g}; put the cheaper one first"
            )
    with_budget = [arm for arm in arms if arm.budget is not None]
    for small, large in pairwise(with_budget):
        alike = (small.engine, small.effort) == (large.engine, large.effort)
        if alike and small.budget is not None and large.budget is not None and small.budget >= large.budget:
            return (
                f"roles.arms has '{small.name}' with a budget of {small.budget} before '{large.name}' with "
                f"{large.budget}; put the smaller budget first"
            )
    if arms[0].name is Mode.THINK_OFF and arms[0].budget is not None:
        return "roles.arms gives think_off a budget, but it does not reason; leave out its budget"
    return None
