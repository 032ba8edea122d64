"""Rollouts that are forced into a mode.

Where the format tells the mode first, the tag is put in front of what the model writes, as a part of the completion,
so that it is trained. Where a justification comes first, the model writes it, and where it then draws the other mode's
tag, the wanted one takes its place. To forbid the other tag would not do: a model that is sure of its mode then draws
what is left, which is noise, and is in no mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode


@dataclass(frozen=True)
class Forcing:
    """For each mode: tokens that start the completion; and a token with the one that takes its place once drawn."""

    prefix: dict[Mode, list[int]]
    swapped: dict[Mode, tuple[int, int] | None]


def forcing_of(style: Format, tokenizer: Any) -> Forcing:
    """How a format's modes are forced. Raises `UserError` where a tag to be swapped is not one token."""
    prefixes = {mode: style.forced_prefix(mode).removeprefix(style.prompt_suffix) for mode in Mode}
    if not style.justifies:
        ids = {mode: tokenizer(prefix, add_special_tokens=False)["input_ids"] for mode, prefix in prefixes.items()}
        return Forcing(ids, dict.fromkeys(Mode))
    tag_ids: dict[Mode, int] = {}
    for mode in Mode:
        tag = _mode_tag(style, prefixes[mode])
        ids = tokenizer(tag, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            raise UserError(
                f"a mode of the {style.name} format is forced by swapping its tag for the other one's, and the "
                f"tokenizer splits {tag} into {len(ids)} tokens; use a model that has it as one"
            )
        tag_ids[mode] = ids[0]
    return Forcing({mode: [] for mode in Mode}, {mode: (tag_ids[mode.other], tag_ids[mode]) for mode in Mode})


def forced_starts(forcing: Forcing, modes: Sequence[Mode]) -> tuple[list[list[int]], list[tuple[int, int] | None]]:
    """The prefix of each rollout, and the token that it may not keep with the one that takes its place."""
    return [forcing.prefix[mode] for mode in modes], [forcing.swapped[mode] for mode in modes]


def _mode_tag(style: Format, prefix: str) -> str:
    return max((tag for tag in style.tags if prefix.endswith(tag)), key=len)
