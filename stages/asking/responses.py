"""How what a role gets back is read."""

from hipo_data.engines.base import Completion
from hipo_data.prompts.families.reading import DEFAULT, Parts, read
from hipo_data.schemas.config import RoleConfig
from hipo_data.schemas.records import FinishReason, Mode


def read_completion(completion: Completion, role: RoleConfig, mode: Mode | None) -> Parts:
    """Reasoning and answer of a completion, both null where the request failed. `mode` is null for a justification."""
    if completion.finish_reason.is_failure:
        return Parts(None, None)
    return read(
        completion.text,
        role.reading or DEFAULT,
        mode=mode,
        opened=role.starts_in_reasoning,
        cut=completion.finish_reason is FinishReason.LENGTH,
        field=completion.reasoning,
        hidden=completion.reasoning is None and bool(completion.reasoning_tokens or completion.summary),
    )
