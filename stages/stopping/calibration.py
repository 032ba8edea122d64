"""Calibration: how much predictive risk a plan may take so that no problem is decided otherwise too often.

Waves stop on a predictive probability, which rests on a prior (`stopping.deciding`). Here the chance that this leads to
another mode than full sampling is counted exactly, by what the pass rates are, and held below a stated one.
"""

from dataclasses import replace
from math import comb

import numpy as np
from numpy.typing import NDArray

from hipo_data.schemas.records import Mode
from hipo_data.stages.stopping.deciding import Rules, Standing, as_sampled, choose, possible, settled
from hipo_data.stages.stopping.waves import Plan, evidence

_BISECTIONS = 8


def calibrated(plan: Plan, alpha: float) -> Plan:
    """`plan` with about the largest `risk` at which no problem's chance of another mode than by full sampling is above
    `alpha`, whatever its two pass rates are (on a grid of 1/100) and as long as its rollouts can be graded.

    Bisection, each step an exact count of all ways in which a problem may go: once a run is enough, and `risk` holds
    for all its problems. Random-mode problems (`drawn`) are always decided exactly.
    """
    low, high = 0.0, min(1.0, 4 * alpha)
    for _ in range(_BISECTIONS):
        risk = (low + high) / 2
        rate = error_rates(_with_risk(plan, risk)).max()
        low, high = (risk, high) if rate <= alpha else (low, risk)
    return _with_risk(plan, low)


def _with_risk(plan: Plan, risk: float) -> Plan:
    return replace(plan, rules=replace(plan.rules, risk=risk))


def error_rates(plan: Plan) -> NDArray[np.float64]:
    """Probability that `plan` leads to another mode than full sampling, shape (101, 101), by the true pass rates of
    think-on and think-off in steps of 1/100; all rollouts are graded and the right ones fit to be kept.
    """
    wrong = np.zeros((plan.n_on + 1, plan.n_off + 1))
    start = Standing(0, 0, plan.n_on, pick=False), Standing(0, 0, plan.n_off, pick=False), 0, 0
    # A state's number of ways: how many orders of verdicts lead to it. Waves only add rollouts, so by their number.
    ways: dict[tuple[Standing, Standing, int, int], int] = {start: 1}
    while ways:
        state = min(ways, key=lambda state: state[2] + state[3])
        on, off, waves_on, waves_off = state
        count = ways.pop(state)
        wave = evidence(plan, on, off, {Mode.THINK_ON: waves_on, Mode.THINK_OFF: waves_off})
        if wave is None:
            _add_wrong(wrong, count, on, off, plan.rules)
            continue
        mode, size = wave
        for right in range(size + 1):
            if mode is Mode.THINK_ON:
                after = _after(on, right, size), off, waves_on + 1, waves_off
            else:
                after = on, _after(off, right, size), waves_on, waves_off + 1
            ways[after] = ways.get(after, 0) + count * comb(size, right)
    return _chances(plan.n_on) @ wrong @ _chances(plan.n_off).T


def _after(standing: Standing, right: int, size: int) -> Standing:
    return Standing(
        standing.known + size, standing.right + right, standing.left - size, pick=standing.pick or right > 0
    )


def _add_wrong(wrong: NDArray[np.float64], count: int, on: Standing, off: Standing, rules: Rules) -> None:
    """Adds the ways from here to full sampling's ends of another mode, by the right rollouts of both modes there."""
    choice = settled(on, off, rules)
    assert choice is not None
    if len(possible(on, off, rules)) == 1:
        return
    for x in range(on.left + 1):
        for y in range(off.left + 1):
            ends = [
                as_sampled(_after(side, right, side.left), rules.select.min_graded)
                for side, right in ((on, x), (off, y))
            ]
            if choose(ends[0], ends[1], rules).mode is not choice.mode:
                wrong[on.right + x, off.right + y] += count * comb(on.left, x) * comb(off.left, y)


def _chances(n: int) -> NDArray[np.float64]:
    """Probability of one given order of n verdicts, by pass rate in steps of 1/100 and by how many are right."""
    rate, right = np.linspace(0, 1, 101)[:, None], np.arange(n + 1)[None, :]
    return rate**right * (1 - rate) ** (n - right)
