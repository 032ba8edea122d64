"""What the mix of a run would keep of other decisions, as a cell of a table and as a part of its JSON."""

from collections.abc import Mapping
from typing import Any

from hipo_data.pipeline.views.expected_mix import stays
from hipo_data.schemas.mix_config import MixConfig

MIXED = "mixed"


def mixed_part(mix: MixConfig | None, modes: Mapping[str, int]) -> dict[str, Any]:
    """For JSON; nothing without a mix."""
    return {} if mix is None else {MIXED: dict(zip(("think", "other"), stays(mix, modes), strict=True))}


def mixed_cells(mix: MixConfig | None, modes: Mapping[str, int]) -> list[str]:
    """For a table; none without a mix."""
    return [] if mix is None else [" + ".join(f"{count:,}" for count in stays(mix, modes))]
