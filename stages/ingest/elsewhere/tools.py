"""Whose file it is, told by its first object."""

from collections.abc import Iterator
from types import ModuleType

from hipo_data.schemas.tables import lookup
from hipo_data.stages.ingest.elsewhere import inspect_logs, lighteval, nemo_gym, rllm, verifiers
from hipo_data.stages.ingest.elsewhere.rollout import Json, Written
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

_TOOLS: tuple[ModuleType, ...] = (nemo_gym, verifiers, rllm, inspect_logs, lighteval)
TOOLS = {tool.NAME: tool for tool in _TOOLS}


def tool_of(row: Json) -> str | None:
    """The tool whose files hold such objects; null where none is known."""
    return next((name for name, tool in TOOLS.items() if tool.is_own(row)), None)


def told(row: Json) -> str:
    """The same. Raises `UnreadableFileError` where none is known."""
    name = tool_of(row)
    if name is None:
        known = ", ".join(tool.TITLE for tool in _TOOLS)
        raise UnreadableFileError(
            f"is none of {known}: its first object has {', '.join(list(row)[:12])}; set the source's format: table and "
            "its columns"
        )
    return name


def rollouts(tool: str, row: Json) -> Iterator[Written]:
    """The rollouts of an object, golds left out. Raises `NotARolloutError`."""
    found: Iterator[Written] = TOOLS[tool].rollouts(row)
    return found


def gold(tool: str, row: Json) -> object:
    """The gold that an object itself holds; null where it has none."""
    if tool == lighteval.NAME:
        return lighteval.golds(row)
    values = dict(row)
    found = (lookup(values, path) for path in TOOLS[tool].GOLDS)
    return next((each for each in found if each not in (None, "")), None)
