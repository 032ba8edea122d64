"""Rollouts that are forced into a mode.

Where the format tells the mode first, the tag is put in front of what the model writes, as a part of the completion,
so that it is trained. Where a justification comes first, the model writes it, and where it then draws the other mode's
tag, the wanted one takes its place, with what opens the reasoning or the answer behind it. To forbid the other tag
would not do: a model that is sure of its mode then draws what is left, which is noise, and is in no mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode

Swap = tuple[int, list[int]]
"""A token, and those that take its place."""

_PROBE = "because 8fa1"


@dataclass(frozen=True)
class Forcing:
    """For each mode: tokens that start the completion; and a token with those that take its place once drawn."""

    prefix: dict[Mode, list[int]]
    swapped: dict[Mode, Swap | None]


def forcing_of(style: Format, tokenizer: Any) -> Forcing:
    """How a format's modes are forced. Raises `UserError` where a tag to be swapped is not one token."""
    prefixes = {mode: style.forced_prefix(mode).removeprefix(style.prompt_suffix) for mode in Mode}
    if not style.justifies:
        ids = {mode: tokenizer(prefix, add_special_tokens=False)["input_ids"] for mode, prefix in prefixes.items()}
        return Forcing(ids, dict.fromkeys(Mode))
    swapped: dict[Mode, Swap | None] = {}
    for mode in Mode:
        other = _mode_tag(style, prefixes[mode.other])
        drawn = tokenizer(other, add_special_tokens=False)["input_ids"]
        if len(drawn) != 1:
            raise UserError(
                f"a mode of the {style.name} format is forced by swapping its tag for the other one's, and the "
                f"tokenizer splits {other} into {len(drawn)} tokens; use a model that has it as one"
            )
        wanted = _mode_tag(style, prefixes[mode]) + _opening(style, mode)
        swapped[mode] = drawn[0], tokenizer(wanted, add_special_tokens=False)["input_ids"]
    return Forcing({mode: [] for mode in Mode}, swapped)


def forced_starts(forcing: Forcing, modes: Sequence[Mode]) -> tuple[list[list[int]], list[Swap | None]]:
    """The prefix of each rollout, and the token that it may not keep with those that take its place."""
    return [forcing.prefix[mode] for mode in modes], [forcing.swapped[mode] for mode in modes]


def _opening(style: Format, mode: Mode) -> str:
    """What opens the reasoning or the answer behind a mode's tag. A model whose justification speaks for the other mode
    would go on in that one: `<think_on>` and no reasoning, which the tag alone would count as think-on."""
    text = style.render(HybridResponse(mode, _PROBE, _PROBE if mode.thinks else None, _PROBE))
    behind = text.partition(style.forced_prefix(mode, _PROBE))[2]
    return behind[: behind.index(_PROBE)].rstrip()


def _mode_tag(style: Format, prefix: str) -> str:
    return max((tag for tag in style.tags if prefix.endswith(tag)), key=len)
