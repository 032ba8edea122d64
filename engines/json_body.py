"""Bytes that somebody else wrote, as JSON that can be worked with."""

import json
from collections.abc import Iterable
from typing import Any

_DEEPEST = 100
"""Levels. No reply of the protocol has a tenth of them, and whatever writes or compares values recurses."""


class Unreadable(str):
    """What is no JSON, or none that can be worked with; `what` says which, in words that follow "is"."""

    what = "not JSON"


class _TooDeep(Unreadable):
    what = f"JSON of more than {_DEEPEST} levels"


def parsed(raw: bytes) -> Any:
    """A body as JSON, or else as `Unreadable`."""
    try:
        found = json.loads(raw)
    except ValueError:
        return Unreadable(raw.decode(errors="replace"))
    except RecursionError:
        return _TooDeep(raw.decode(errors="replace"))
    # A shallow body, as nearly all are, is known by its brackets.
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and _is_deep(found):
        return _TooDeep(raw.decode(errors="replace"))
    return found


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
