"""Think-off responses that think all the same: in tags, hidden by the server, or aloud in their answers."""

from hipo_data.prompts.doubt import doubts
from hipo_data.schemas.records import Mode

_DOUBTS = 2


def thinks_aloud(answer: str) -> bool:
    """Whether an answer doubts and checks itself as reasoning does. A step list is none of that: answers have them.

    That two markers are needed is decided here, since a single "Let me verify" ends many an honest solution.
    """
    return doubts(answer) >= _DOUBTS


def leaks(mode: Mode, reasoning: str | None, answer: str | None) -> bool:
    """Whether a response was asked for without thinking and thinks: what `select.leaking` is about."""
    return mode is Mode.THINK_OFF and (reasoning is not None or thinks_aloud(answer or ""))
