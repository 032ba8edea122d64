"""Words by which a text doubts and checks itself, as reasoning does and answers seldom do."""

import re

_DOUBT = re.compile(
    r"\b(?:wait|hmm+|hold on|on second thought|let me (?:think|see|re-?check|re-?think|re-?consider|double[- ]check|"
    r"verify|try (?:again|another)|start over)|let's (?:think|re-?check|double[- ]check)|actually, (?:no|wait|that))\b"
    r"|等等|等一下|让我(?:想想|再|重新|检查|验证)|不对[，,。]|再想想",
    re.I,
)


def doubts(text: str) -> int:
    """How often a text doubts itself: the markers by which arXiv 2510.12680 counts leaks of a mode, in English and
    Chinese."""
    return sum(1 for _ in _DOUBT.finditer(text))
