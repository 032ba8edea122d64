"""The ceiling of a mix in words: for the command, and as a section of the page."""

from hipo_data.reproduce.ceiling import ALWAYS, CHOOSING, NEVER, ORACLE, TITLES, Ceiling
from hipo_data.reproduce.published import ROWS, SOURCE
from hipo_data.reproduce.writing import percent, table

_TITLES = ("accuracy", "tokens", "think-on", "Δ accuracy", "Δ tokens", "Δ with a justification", "Δ think-on")


def lines(found: Ceiling) -> list[str]:
    """What a command says of it, a line a policy."""
    always = found.policies[ALWAYS]
    said = [
        f"ceiling of the mix, by the teacher's rollouts on {found.problems} problems: {TITLES[ALWAYS]}: accuracy "
        f"{always.accuracy:.3f}, tokens {always.tokens:.1f}, and {found.justification:.1f} of a justification"
    ]
    for name in (*CHOOSING, NEVER):
        changed = found.change(name)
        said.append(
            f"  {TITLES[name]}: accuracy {percent(changed.accuracy)}, tokens {percent(changed.tokens)}, with a "
            f"justification {percent(changed.tokens_justified)}, think-on {percent(changed.think_on)}"
        )
    return said


def section(found: Ceiling) -> str:
    """A section of the page."""
    rows = [_policy(found, name) for name in (ALWAYS, *CHOOSING, NEVER)]
    rows += [(row.name, "", "", "", row.accuracy, "", row.tokens, row.think_on) for row in ROWS]
    families = [
        (
            each.name,
            f"{100 * each.weight:.0f} %",
            f"{each.accuracy_on:.3f}",
            f"{each.accuracy_off:.3f}",
            f"{each.tokens_on:.1f}",
            f"{each.tokens_off:.1f}",
        )
        for each in found.families
    ]
    left_out = f" {found.left_out} problems without two graded rollouts in each mode are left out." * (
        found.left_out > 0
    )
    return f"""
## What the mix leaves to be gained

No choice of modes can spare more than the mix leaves. This is the teacher itself, {found.rollouts} rollouts of
{found.problems:,} problems in each mode, weighted as the evaluation; Δ is against always thinking, and the last rows
are what is published ({SOURCE}).{left_out}

{table(_TITLES, rows)}

A family or a problem thinks by HiPO's rule with δ = {found.delta:g}, and in "{TITLES[ORACLE]}" if that is
right more often at all. Choices by problem are measured on other rollouts than they are made by, as luck would count
twice: those of the rule on each rollout by the others, the oracle's on one half by the other half. Who knew the true
rates would be right at least as often as the best of these rows. A justification takes {found.justification:.1f} tokens
on average, in every response of the hipo format. The cold starts learn from the right ones among these rollouts, and
are right more often than the teacher in either mode: what is left to be gained against them is said below.

The teacher by family:

{table(("share", "accuracy on", "accuracy off", "tokens on", "tokens off"), families)}
"""


def _policy(found: Ceiling, name: str) -> tuple[str, ...]:
    own, changed = found.policies[name], found.change(name)
    shown = (f"{own.accuracy:.3f}", f"{own.tokens:.1f}", f"{own.think_on:.3f}")
    if name == ALWAYS:
        return (TITLES[name], *shown, "", "", "", "")
    return (
        TITLES[name],
        *shown,
        *map(percent, (changed.accuracy, changed.tokens, changed.tokens_justified, changed.think_on)),
    )
