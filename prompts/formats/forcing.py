"""Rollouts that are forced into a mode.

Where the format tells the mode first, the tag is put in front of what the model writes, as a part of the completion,
so that it is trained. Where a justification comes first, the model writes it, and may not draw the other mode's tag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode


@dataclass(frozen=True)
class Forcing:
    """For each mode: tokens that start the completion, and a token that may not be drawn."""

    prefix: dict[Mode, list[int]]
    banned: dict[Mode, int | None]


def forcing_of(style: Format, tokenizer: Any) -> Forcing:
    """How a format's modes are forced. Raises `UserError` where a tag to forbid is not one token."""
    prefixes = {mode: style.forced_prefix(mode).removeprefix(style.prompt_suffix) for mode in Mode}
    if not style.justifies:
        ids = {mode: tokenizer(prefix, add_special_tokens=False)["input_ids"] for mode, prefix in prefixes.items()}
        return Forcing(ids, dict.fromkeys(Mode))
    tags = {mode: _mode_tag(style, prefixes[mode]) for mode in Mode}
    banned: dict[Mode, int | None] = {}
    for mode in Mode:
        ids = tokenizer(tags[mode.other], add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            raise UserError(
                f"a mode of the {style.name} format is forced by forbidding the other one's tag, and the tokenizer "
                f"splits {tags[mode.other]} into {len(ids)} tokens; use a model that has it as one"
            )
        banned[mode] = ids[0]
    return Forcing({mode: [] for mode in Mode}, banned)


def forced_starts(forcing: Forcing, modes: Sequence[Mode]) -> tuple[list[list[int]], list[int | None]]:
    """The prefix and the banned token of each rollout."""
    return [forcing.prefix[mode] for mode in modes], [forcing.banned[mode] for mode in modes]


def _mode_tag(style: Format, prefix: str) -> str:
    return max((tag for tag in style.tags if prefix.endswith(tag)), key=len)
