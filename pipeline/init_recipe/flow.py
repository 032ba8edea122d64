"""Values as YAML on one line."""

from typing import Any

import yaml


def flow(value: Any) -> str:
    """The value in one line of YAML, keys in their order; members of enums and tuples as what they stand for."""
    plain = list(value) if isinstance(value, tuple) else getattr(value, "value", value)
    text: str = yaml.safe_dump(plain, sort_keys=False, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.replace("\n...", "").strip()
