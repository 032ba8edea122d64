"""Whether a question takes any one of several outputs, and which outputs might be one of them.

Where no checker judges outputs, one that differs from the recorded one is then neither right nor wrong.
"""

import re
from typing import Any

_THING = (
    r"(?:answers?|solutions?|outputs?|results?|ones?|arrays?|lists?|matri(?:x|ces)|grids?|strings?|sequences?|numbers?|"
    r"integers?|permutations?|pairs?|sets?|subsets?|graphs?|trees?|paths?|orders?|orderings?|colou?rings?|"
    r"configurations?|arrangements?|assignments?|constructions?|partitions?|plans?|points?|words?|subsequences?)"
)
_GOOD = r"(?:valid|correct|possible|suitable|optimal|acceptable|such|appropriate|right|feasible|legal)"
_PRINT = r"(?:print|output|return|report|display|write)"
_GIVE = r"(?:print|output|return|report|display|write|find|give|construct|provide|produce)"
_CHOOSE = r"(?:print|output|return|report|display|write|find|give|construct|provide|produce|choose|pick|select)"
_SEVERAL = r"(?:multiple|several|many|more\s+than\s+one|various|two\s+or\s+more)"
_PATTERNS = (
    # "print any of them", "output any.", "return any one", "find any such array", "output any suitable matrix"
    rf"\b{_GIVE}\s+(?:out\s+)?any\s+(?:one\s+)?of\s+(?:them|these|those|the\s+(?:{_GOOD}\s+)?{_THING})\b",
    rf"\b{_PRINT}\s+(?:out\s+)?any(?:\s+one)?\s*(?:[.!;)]|\n|$)",
    rf"\b{_GIVE}\s+(?:out\s+)?any\s+{_GOOD}\b(?!\s+number\s+of\b)",
    rf"\b(?:print|output|return)\b[^.\n]{{0,120}}[—–:-]\s*any\s+{_GOOD}\s+{_THING}",
    # "if there are several solutions, you may pick any of them"; "several possible answers … any"
    rf"\b{_SEVERAL}\s[^.\n]{{0,120}}\b{_CHOOSE}\s+(?:out\s+)?any\s*(?:one\b|of\s+(?:them|these|those)\b|[.!;)]|\n|$)",
    rf"\b{_SEVERAL}\s[^.\n]{{0,120}}\bany\s+(?:one\s+)?(?:of\s+(?:them|these|those)|{_THING})\b",
    # "any valid answer will be accepted", "any of them is correct"
    rf"\bany\s+(?:one\s+)?(?:of\s+(?:them|these|those)|(?:{_GOOD}\s+)?(?:\w+\s+)?{_THING})\b[^.\n]{{0,60}}"
    r"\s(?:is|are|will\s+be|would\s+be|can\s+be)\s+(?:ok|okay|fine|accepted|acceptable|correct|considered|allowed)\b",
    rf"\b(?:accepts?|accepted\s+is)\s+any\s+(?:{_GOOD}\s+)?{_THING}",
    # "there may be multiple correct answers", "the answer is not unique"
    rf"\bthere\s+(?:may|might|can|could)\s+be\s+{_SEVERAL}\s+{_GOOD}\s+(?:answers|solutions|outputs)\b(?![^.\n]*\b"
    r"(?:smallest|largest|least|first|last|lexicographically|minimum|maximum|shortest|longest)\b)",
    r"\b(?:answer|solution|output)\s+(?:is|may|might|need)\s+not\s+(?:be\s+)?(?:necessarily\s+)?unique\b",
)
_SAYS_ANY = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.I)
_DECISIONS = frozenset({"yes", "no", "possible", "impossible", "true", "false"})

TAKES_ANY = (
    ("If there are multiple answers, print any of them.", True),
    ("If there are several possible answers, you may print any of them.", True),
    ("If there are multiple valid strings, return any of them.", True),
    ("Output a permutation. In case of several, output any.", True),
    ("If there exist multiple such permutations, you can pick any of them.", True),
    ("Find a valid colouring; any valid answer will be accepted.", True),
    ("Return any such string.", True),
    ("Output n integers - any suitable matrix b, or -1 if there is none.", True),
    ("If there is more than one solution, any of them is accepted.", True),
    ("There may be multiple correct answers.", True),
    ("Note that the answer is not unique.", True),
    ("Print any one of the optimal solutions.", True),
    ("The checker accepts any valid answer.", True),
    ("You can output the answer in any case. Print YES or NO.", False),
    ("Return the answer in any order.", False),
    ("You may do this any number of times. Print the least number of moves.", False),
    ("If there are several, print the smallest of them.", False),
    ("If there are multiple answers, return the lexicographically smallest one.", False),
    ("There may be several valid solutions; print the smallest one.", False),
    ("If it is impossible to form any connected graph, print -1.", False),
    ("Return the minimum difference between the values of any two different nodes.", False),
    ("In a move, choose any of the piles, or pick any of them twice. Print the number of moves.", False),
    ("Choose any vertex and add 1. Print the largest sum.", False),
    ("The input contains multiple test cases. For any of them print one line.", False),
    ("Check whether any value in a sequence exists in another.", False),
    ("Find any number of pairs.", False),
)
"""What a question says, and whether it takes any one of several outputs."""


def takes_any(question: str) -> bool:
    """Whether the question says that any one of several outputs is right."""
    return bool(_SAYS_ANY.search(question))


def may_be_another(expected: Any, got: Any) -> bool:
    """Whether a result that differs from the expected one has its form: one of several right ones would."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return False
    if isinstance(expected, (int, float)):
        return isinstance(got, (int, float))
    for kind in (str, (list, tuple), dict, set):
        if isinstance(expected, kind):
            return isinstance(got, kind) and bool(expected) == bool(got)
    return expected is not None and type(expected) is type(got)


def may_be_another_output(expected: str, got: str) -> bool:
    """Whether an output that differs from the expected one might be right: it says something, and decides the same."""
    wanted, printed = expected.split(), got.split()
    if not wanted or not printed:
        return False
    first = wanted[0].casefold(), printed[0].casefold()
    return first[0] == first[1] or not _DECISIONS.issuperset(first)
