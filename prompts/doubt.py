"""Words by which a text doubts and checks itself, as reasoning does and answers seldom do."""

import re

_DOUBT = re.compile(
    r"\b(?:wait|hmm+|hold on|on second thought|let me (?:think|see|re-?check|re-?think|re-?consider|double[- ]check|"
    r"verify|try (?:again|another)|start over)|let's (?:think|re-?check|double[- ]check)|actually, (?:no|wait|that))\b"
    r"|等等|等一下|让我(?:想想|再|重新|检查|验证)|不对[，,。]|再想想"
)
_HINTS = ("wait", "hmm", "hold on", "on second", "let me", "let's", "actually,", "等", "让我", "不对", "再想想")
"""Each marker holds one of them; most answers hold none, and need not be searched for the markers."""


def doubts(text: str) -> int:
    """How often a text doubts itself: markers like those by which arXiv 2510.12680 counts leaks of a mode ("wait"
    before all), in English and Chinese."""
    lowered = text.lower()
    return sum(1 for _ in _DOUBT.finditer(lowered)) if any(hint in lowered for hint in _HINTS) else 0
