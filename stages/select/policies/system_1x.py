"""System-1.x: the hardest share of a response's steps is marked for slow thinking, the rest fast (arXiv 2407.14414).

The authors plan in mazes and blocks worlds, where a sub-goal is as hard as the obstacles in its way; a response to a
question has none. Decided here: a step is a paragraph of the reasoning, or a line where it has one paragraph alone.
One is the harder, the more often it turns back ("wait", "but", "alternatively", "hmm", "actually", "check again"): that
is where the teacher itself found the way hard. Of those alike the longer one in characters is harder, then the earlier.
"""

import re

SLOW, FAST = "[slow] ", "[fast] "

_TURNS = re.compile(
    r"\b(?:wait|alternatively|hmm+|actually|however|but|let me (?:re)?check|check again|on second thought|no,)\b"
    r"|等等|不对|但是|或者|再检查|\b(?:moment|halt|andererseits|allerdings|aber|nochmal)\b",
    re.IGNORECASE,
)


def steps(reasoning: str) -> list[str]:
    """Paragraphs, or lines where there is one paragraph; none is blank."""
    paragraphs = [part.strip("\n") for part in re.split(r"\n[^\S\n]*\n", reasoning) if part.strip()]
    if len(paragraphs) > 1:
        return paragraphs
    return [line for line in reasoning.split("\n") if line.strip()]


def mark(reasoning: str, share: float) -> str:
    """`reasoning` with a mark before each step; of n steps round(share · n), at least one, are slow."""
    parts = steps(reasoning)
    by_hardness = sorted(range(len(parts)), key=lambda at: (-len(_TURNS.findall(parts[at])), -len(parts[at]), at))
    slow = set(by_hardness[: max(1, round(share * len(parts)))])
    joint = "\n\n" if len(re.split(r"\n[^\S\n]*\n", reasoning.strip())) > 1 else "\n"
    return joint.join((SLOW if at in slow else FAST) + part for at, part in enumerate(parts))
