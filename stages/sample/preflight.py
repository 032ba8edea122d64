"""What the first answers in a mode say of it: a switch that does nothing costs seconds and not a night."""

from collections import Counter
from collections.abc import Sequence

from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.errors import UnfitError
from hipo_data.schemas.records import Mode, Rollout
from hipo_data.stages.sample.shown import Shown, complaint, shown

_WORDS = 200


def judge(mode: Mode, rollouts: Sequence[Rollout], limits: CheckConfig) -> None:
    """Raises `UnfitError` where the answers of a mode say that it is not the mode, with what the model wrote."""
    seen = shown(rollouts)
    said = complaint(mode, seen, _lenient(limits, seen)) or _no_sign(mode, seen)
    if said is None:
        return
    raise UnfitError(
        f"{_where(mode)}: asked {len(rollouts)} questions before the run, and {said}; {_words(rollouts)}. "
        f"{_advice(mode, seen)}; --no-check goes on all the same"
    )


def _where(mode: Mode) -> str:
    return f"roles.{mode.value}" if mode in tuple(Mode) else f"arm '{mode.value}' of roles.arms"


def _lenient(limits: CheckConfig, seen: Shown) -> CheckConfig:
    """One of few answers may be astray where a share of many may not."""
    one = 1 / max(1, seen.rollouts)
    return limits.model_copy(update={"off_reasoning": max(limits.off_reasoning, one)})


def _no_sign(mode: Mode, seen: Shown) -> str | None:
    """Cut-off think-on texts tell nothing unless some reasoning was read in them."""
    if mode.thinks and seen.cut and not seen.reasoning and not seen.plain:
        return f"{seen.cut} responses were cut off and no reasoning was found in them"
    return None


def _words(rollouts: Sequence[Rollout]) -> str:
    """What failed requests were told, most frequent first; else how the first response begins."""
    errors = Counter(rollout.error for rollout in rollouts if rollout.error)
    if errors:
        return f"the engine said: {errors.most_common(1)[0][0]}"
    first = rollouts[0]
    text = " ".join(f"{first.reasoning or ''} {first.text}".split())
    return f"the first response begins {text[:_WORDS]!r}"


def _advice(mode: Mode, seen: Shown) -> str:
    if (seen.failed + seen.empty) * 2 > seen.rollouts:
        return "See to the engine, its address and the role's parameters"
    switch = "the switch (family, chat_template_kwargs, system_prompt or sampling.extra)"
    if mode.thinks:
        return f"See to {switch}, to the tags that its reasoning is read by (family or reading), and to max_tokens"
    return f"See to {switch}: it does not turn thinking off"
