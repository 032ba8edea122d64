r"""Values that stand under names: `x=1, y=2` is no list whose members may come in any order."""

import re
from collections.abc import Sequence
from itertools import pairwise

from hipo_data.graders.math import clean
from hipo_data.graders.math.expressions.structure import Answer

Record = dict[str, Answer]
"""The values of one solution by their names, in the order in which they are written."""

_NUMBERED = re.compile(r"(\\?[a-zA-Z]+'*)_\{?\d+\}?")
_NAMES = re.compile(r"\((.*)\)", re.S)


def without_names(gold: Answer, answer: Answer) -> tuple[Answer, Answer]:
    """Both sides as lists of tuples, with what stands under one name in one place, as far as their names tell."""
    wanted, got = _records(gold), _records(answer)
    if wanted and got:
        if wanted[0].keys() != got[0].keys():
            return gold, answer
        names = _order(wanted)
        return _as_tuples(wanted, names), _as_tuples(got, names)
    if wanted and (tuples := _tuples(answer)):
        return _as_tuples(wanted, _order(wanted)), tuples
    if got and (tuples := _tuples(gold)):
        return tuples, _as_tuples(got, _order(got))
    return gold, answer


def _tuples(answer: Answer) -> Answer | None:
    """An answer of one or more tuples as a list of them."""
    parts = answer.parts if answer.kind in ("list", "set") else (answer,)
    return Answer("list", parts) if all(part.kind == "tuple" and part.brackets == "()" for part in parts) else None


def _records(answer: Answer) -> list[Record] | None:
    """The solutions that a list of named values gives, all with the same names; None for any other answer.

    Members of a numbered family, such as the roots `x_1` and `x_2`, may be named in any order: they are none.
    """
    if answer.kind == "tuple" and (match := _NAMES.fullmatch(clean.key(answer.head))):
        names = match[1].split(",")
        return [dict(zip(names, answer.parts, strict=True))] if len(set(names)) == len(answer.parts) else None
    if answer.kind != "list" or not answer.parts or not all(part.head for part in answer.parts):
        return None
    found: list[Record] = []
    for part in answer.parts:
        name = clean.key(part.head)
        if not found or name in found[-1]:
            found.append({})
        found[-1][name] = part
    if any(record.keys() != found[0].keys() for record in found) or len(found[0]) < 2:
        return None
    numbered = [_NUMBERED.fullmatch(name) for name in found[0]]
    if all(numbered) and len({match[1] for match in numbered if match}) == 1:
        return None
    return found


def _order(solutions: Sequence[Record]) -> list[str]:
    """The names as a tuple has them: in the alphabet's order where they are such as x and y, else as written."""
    names = list(solutions[0])
    neighbours = all(len(name) == 1 for name in names) and all(
        ord(later) - ord(name) == 1 for name, later in pairwise(sorted(names))
    )
    return sorted(names) if neighbours else names


def _as_tuples(solutions: Sequence[Record], names: Sequence[str]) -> Answer:
    """The values alone, as a list of tuples in the order of `names`."""
    return Answer(
        "list", tuple(Answer("tuple", tuple(each[name] for name in names), brackets="()") for each in solutions)
    )
