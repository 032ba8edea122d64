r"""What an answer says of where its variable comes from: `f(x)=x \text{ for all } x`, `a_n=2^n (n \in N^*)`."""

import re

from hipo_data.graders.math import clean

_NAMES = r"\$?[a-zA-Z](?:\s*,\s*[a-zA-Z])*"
_NUMBERS = r"(?:\\(?:mathbb|mathbf|mathrm|Bbb)\s*\{?\s*)?[NZQRC]\s*\}?(?:[\^_]\s*\{?\s*(?:\*|\+|\\ast)\s*\}?)?"
_KINDS = r"(?:\s+(?:real|reals|positive|nonnegative|non-negative|natural|integers?|numbers?|values\s+of))*\s*"
_ALL = rf"\bfor\s+(?:all|every|any|each){_KINDS}"
_FOR = rf"(?:\\(?:text|mbox|textrm)\s*\{{[\s,]*{_ALL}\}}|{_ALL})"
_BEHIND = re.compile(
    rf"(?P<answer>.*?[^\s,;\\])(?:\s|\\[ ,;:!]|\\q?quad(?![a-z])|[,;])*"
    rf"(?P<domain>{_FOR}\s*(?P<names>{_NAMES})(?:\s*\\in\s*{_NUMBERS})?|(?:(?<=[,;\s])|\()\s*(?P<members>{_NAMES})\s*\\in\s*{_NUMBERS}\s*\)?)[\s.$]*",
    re.S,
)
_BEFORE = re.compile(
    rf"\s*\$?(?:\\(?:text|mbox)\s*\{{\s*all{_KINDS}\}}|all{_KINDS})\s*\$?"
    r"(?=[a-zA-Z]\s*(?:\\(?:ge|le|geq|leq|ne|neq|equiv|geqslant|leqslant|gt|lt)(?![a-z])|[<>=]))"
)


def without_domains(gold: str, answer: str) -> tuple[str, str]:
    """Both sides without what only says which numbers a variable stands for, unless they say different things."""
    gold, answer = _BEFORE.sub("", gold, count=1), _BEFORE.sub("", answer, count=1)
    pair = [_behind(text) for text in (gold, answer)]
    said = {clean.key(re.sub(r"[()\s]", "", match["domain"])) for match in pair if match}
    if len(said) > 1:
        return gold, answer
    bare = [match["answer"] if match else text for match, text in zip(pair, (gold, answer), strict=True)]
    return bare[0], bare[1]


def _behind(text: str) -> re.Match[str] | None:
    """A domain at the end, of variables that stand before it."""
    match = _BEHIND.fullmatch(text)
    if match is None:
        return None
    names = re.findall("[a-zA-Z]", match["names"] or match["members"])
    return match if set(names) <= set(re.sub(r"\\[a-zA-Z]+", "", match["answer"])) else None
