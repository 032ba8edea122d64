"""Think-off responses that think all the same: in tags, or aloud in their answers."""

import re

from hipo_data.schemas.records import Mode

_DOUBT = re.compile(
    r"\b(?:wait|hmm+|hold on|on second thought|let me (?:think|see|re-?check|re-?think|re-?consider|double[- ]check|"
    r"verify|try (?:again|another)|start over)|let's (?:think|re-?check|double[- ]check)|actually, (?:no|wait|that))\b"
    r"|等等|等一下|让我(?:想想|再|重新|检查|验证)|不对[，,。]|再想想"
)
_HINTS = ("wait", "hmm", "hold on", "on second", "let me", "let's", "actually,", "等", "让我", "不对", "再想想")
"""Each marker holds one of them; most answers hold none, and need not be searched for the markers."""
_DOUBTS = 2


def thinks_aloud(answer: str) -> bool:
    """Whether an answer doubts and checks itself as reasoning does. A step list is none of that: answers have them.

    The markers are words like those by which arXiv 2510.12680 counts leaks of a mode ("wait" before all), in English
    and Chinese; that two are needed is decided here, since a single "Let me verify" ends many an honest solution.
    """
    lowered = answer.lower()
    return any(hint in lowered for hint in _HINTS) and sum(1 for _ in _DOUBT.finditer(lowered)) >= _DOUBTS


def leaks(mode: Mode, reasoning: str | None, answer: str | None) -> bool:
    """Whether a response was asked for without thinking and thinks: what `select.leaking` is about."""
    return mode is Mode.THINK_OFF and (bool(reasoning) or thinks_aloud(answer or ""))
