"""Whether two answers are equal, by how they are built and by the values of the expressions in them."""

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from hipo_data.graders.math import clean, inequalities, numbers, units
from hipo_data.graders.math.expressions import named, tokens
from hipo_data.graders.math.expressions.nodes import Node, UnreadableError, number
from hipo_data.graders.math.expressions.read import expression
from hipo_data.graders.math.expressions.same import proportional, same, value
from hipo_data.graders.math.expressions.structure import Answer, structure

_DECIMAL = re.compile(r"[+-]?\d*\.(\d+)")
_UNIT_VECTOR = re.compile(r"\\(?:mathbf|hat|vec|boldsymbol|textbf)\s*\{\s*\\?[ijk](?:math)?\s*\}")
_MOST_PARTS = 60
_PROSE = re.compile(r"[一-鿿]{2}")
_NO_PROSE = frozenset((*tokens.GREEK, *tokens.FUNCTIONS, "half", "dozen", "infinity", "hundred", "thousand", "million"))
_NEAR = Fraction(1, 10**4)
_SET_OF_ARGUMENTS = re.compile(r"((?:max|min|gcd|lcm)\}?)\s*\\\{((?:[^{}]|\{[^{}]*\})*)\\\}")
_EITHER_SIGN = re.compile(r"\\(?:pm|mp)(?![a-z])")
_CAPITAL = re.compile(r"[A-Z](?:_\{?\w+\}?|'+)?")
_CONNECTIVE = re.compile(r"(?<![A-Za-z])(?:if|for|when|where|as)(?![A-Za-z])")


def decide(gold: str, answer: str, question: str = "") -> bool | None:
    """Whether `answer` is equal to `gold`; None where one of them is not read, or it could not be told.

    A list and a set may come in any order, a tuple may not. `question` tells which left sides only name a value.
    """
    asked = clean.key(question) if "=" in gold + answer else ""
    wanted, got = structure(gold, question=asked), structure(answer, question=asked)
    if (wanted.kind == "list") != (got.kind == "list"):
        # Where one side is a list for certain, groups of three digits on the other side may be its members.
        if wanted.kind == "list":
            got = structure(answer, thousands=False, question=asked)
        else:
            wanted = structure(gold, thousands=False, question=asked)
    said = _equal(wanted, got)
    if said is None and _PROSE.search(gold) is None and _is_prose(answer) and not _unread(wanted):
        return False
    return said


def _is_prose(text: str) -> bool:
    """Whether an answer is words and no value."""
    words = re.findall(
        r"(?<![A-Za-z])(?:\\text|\\mbox|\\textbf)?\{?\s*([A-Za-z]{4,})", re.sub(r"\\(?!text|mbox)[a-z]+", " ", text)
    )
    spoken = any(word.lower() not in _NO_PROSE for word in words) or bool(_PROSE.search(text))
    return spoken and not re.search(r"[\d=\\^_<>]", re.sub(r"\\(?:text|mbox|textbf|mathrm)\s*\{|\\[ ,]", " ", text))


def _unread(answer: Answer) -> bool:
    """Whether anything in an answer is not read."""
    return any(map(_unread, answer.parts)) if answer.parts else _is_unread(answer)


def _equal(gold: Answer, answer: Answer) -> bool | None:
    if gold.kind == answer.kind == "item":
        return _items(gold, answer)
    gold, answer = named.without_names(_with_both_signs(gold), _with_both_signs(answer))
    if "matrix" in (gold.kind, answer.kind):
        return _matrices(gold, answer)
    if gold.kind == answer.kind == "condition":
        return _conditions(gold.sides[0], answer.sides[0])
    if "union" in (gold.kind, answer.kind):
        return _unions(gold, answer)
    if "dots" in (gold.kind, answer.kind):
        return gold.kind == answer.kind
    if gold.kind == answer.kind == "tuple":
        if all(map(_CAPITAL.fullmatch, (gold.head, answer.head))) and gold.head != answer.head:
            return None  # two points may well be at one place
        if gold.brackets != answer.brackets and (len(gold.parts) < 3 or "{" in gold.brackets + answer.brackets):
            return False
        return _in_order(gold.parts, answer.parts)
    if "tuple" in (gold.kind, answer.kind):
        other = answer if gold.kind == "tuple" else gold
        if other.kind == "item":
            return None if _is_unread(other) else False
        return None if other.kind == "set" else (_in_order(gold.parts, answer.parts) or None)
    if "item" in (gold.kind, answer.kind):
        several, one = (gold, answer) if answer.kind == "item" else (answer, gold)
        if several.kind == "list" or len(several.parts) == 1:
            # The same value in several forms is one answer.
            found = [_equal(*((part, one) if several is gold else (one, part))) for part in several.parts]
            if set(found) <= {True}:
                return True if found else None
        return None if _is_unread(one) or any(map(_is_unread, several.parts)) else False
    return _in_any_order(gold.parts, answer.parts)


def _conditions(gold: str, answer: str) -> bool | None:
    """Whether two conditions hold for the same numbers, as `x \\ge 0` and `0 \\le x` do.

    That they do not is only said where more than an end is in one alone: there the values may meet.
    """
    pair = [_CONNECTIVE.sub("", clean.unwrapped(text)) for text in (gold, answer)]
    if clean.key(pair[0]) == clean.key(pair[1]):
        return True
    found = [inequalities.intervals(text) for text in pair]
    letters = [set(re.findall(r"(?<![A-Za-z\\])[a-zA-Z](?![A-Za-z])", text)) for text in pair]
    if found[0] is None or found[1] is None or letters[0] != letters[1]:
        return None
    ranges = [structure(text) for text in found if text]
    if _equal(*ranges):
        return True
    # Of whole numbers, `n > 1` and `n \ge 2` are one.
    return None if letters[0] & set("ijkmn") or _equal(*map(_closed, ranges)) is not False else False


def _closed(intervals: Answer) -> Answer:
    return intervals._replace(brackets="[]", parts=tuple(map(_closed, intervals.parts)))


def _in_order(gold: Sequence[Answer], answer: Sequence[Answer]) -> bool | None:
    if len(gold) != len(answer):
        return False if not any(map(_is_unread, (*gold, *answer))) else None
    found = [_equal(*pair) for pair in zip(gold, answer, strict=True)]
    return False if False in found else None if None in found else True


def _in_any_order(gold: Sequence[Answer], answer: Sequence[Answer]) -> bool | None:
    dotted = [any(part.kind == "dots" for part in side) for side in (gold, answer)]
    if any(dotted):
        return _dotted(gold, answer) if all(dotted) else None
    gold, answer = _spread(gold), _spread(answer)
    if max(len(gold), len(answer)) > _MOST_PARTS:
        return None
    doubtful = False
    for these, those in ((gold, answer), (answer, gold)):
        left = list(those)
        for part in these:
            found = [_equal(*((part, other) if these is gold else (other, part))) for other in left]
            if True in found:
                # A member said twice is one.
                if len(gold) == len(answer):
                    left.pop(found.index(True))
            elif None in found:
                doubtful = True
            else:
                return False
    return None if doubtful else True


def _dotted(gold: Sequence[Answer], answer: Sequence[Answer]) -> bool | None:
    """Whether `1, 2, ..., n` goes on as `1, 2, 3, ..., n` does: the members before the dots, as far as both have them,
    and all behind the dots."""
    places = [next(place for place, part in enumerate(side) if part.kind == "dots") for side in (gold, answer)]
    shown = min(places)
    found = [_equal(*pair) for pair in zip(gold[:shown], answer[:shown], strict=True)]
    found.append(_in_order(gold[places[0] + 1 :], answer[places[1] + 1 :]))
    return False if False in found else True if shown >= 2 and None not in found else None


def _spread(parts: Sequence[Answer]) -> list[Answer]:
    """The members of a list, with the two values that `\\pm` gives in place of it."""
    found: list[Answer] = []
    for part in map(_with_both_signs, parts):
        found.extend(part.parts if part.kind == "list" else [part])
    return found


def _with_both_signs(answer: Answer) -> Answer:
    texts = (answer.head, *answer.sides)
    if answer.kind != "item" or not any(_EITHER_SIGN.search(text) for text in texts):
        return answer
    if len(re.findall(r"\\pm(?![a-z])", "".join(texts))) > 1:
        return answer
    signs = (("+", "-"), ("-", "+"))
    both = [
        [re.sub(r"\\mp(?![a-z])", minus, re.sub(r"\\pm(?![a-z])", plus, text)) for text in texts]
        for plus, minus in signs
    ]
    return Answer("list", tuple(answer._replace(head=head, sides=tuple(sides)) for head, *sides in both))


def _matrices(gold: Answer, answer: Answer) -> bool | None:
    if gold.kind == answer.kind:
        return _in_order(gold.parts, answer.parts)
    matrix, other = (gold, answer) if gold.kind == "matrix" else (answer, gold)
    if other.kind == "item" and len(matrix.parts) == len(matrix.parts[0].parts) == 1:
        return None
    if other.kind == "item":
        return None if _is_unread(other) else False
    if other.kind != "tuple":
        return None
    if len(matrix.parts) == 1 or all(len(row.parts) == 1 for row in matrix.parts):
        cells = tuple(cell for row in matrix.parts for cell in row.parts)
        return _in_order(*((cells, other.parts) if matrix is gold else (other.parts, cells)))
    rows = tuple(part._replace(brackets="()") for part in other.parts if part.kind == "tuple")
    if len(rows) != len(other.parts):
        return None
    return _in_order(*((matrix.parts, rows) if matrix is gold else (rows, matrix.parts)))


def _unions(gold: Answer, answer: Answer) -> bool | None:
    """Unions of intervals are equal with the same pieces; others are left alone."""
    pieces = [side.parts if side.kind == "union" else (side,) for side in (gold, answer)]
    if not all(part.kind == "tuple" and len(part.parts) == 2 for side in pieces for part in side):
        values = any(side.kind == "item" and not _is_unread(side) for side in (gold, answer))
        return False if values else None
    merged = [_merged([_range(part) for part in side]) for side in pieces]
    if merged[0] is None or merged[1] is None:
        return _in_any_order(*pieces) if len(pieces[0]) == len(pieces[1]) else None
    return len(merged[0]) == len(merged[1]) and all(
        first[1:3] == second[1:3] and _as_large(first[0], second[0]) and _as_large(first[3], second[3])
        for first, second in zip(merged[0], merged[1], strict=True)
    )


_Range = tuple[Fraction | float, bool, bool, Fraction | float]
"""Low end, whether it is in, whether the high end is in, high end."""


def _range(interval: Answer) -> _Range | None:
    ends = [_end(part) for part in interval.parts]
    if ends[0] is None or ends[1] is None:
        return None
    return ends[0], interval.brackets[0] == "[", interval.brackets[1] == "]", ends[1]


def _end(part: Answer) -> Fraction | float | None:
    node = _read(part.sides[0]) if part.kind == "item" and len(part.sides) == 1 else None
    if node is None:
        return None
    return _infinite(node) * math.inf if _infinite(node) else value(node)


def _merged(ranges: Sequence[_Range | None]) -> list[_Range] | None:
    """Intervals in their order, with those that touch or overlap as one; None where an end of one is no number."""
    found: list[_Range] = []
    if None in ranges:
        return None
    for low, low_in, high_in, high in sorted(
        (item for item in ranges if item), key=lambda item: (item[0], not item[1])
    ):
        if found and (low < found[-1][3] or (_as_large(low, found[-1][3]) and (low_in or found[-1][2]))):
            last = found.pop()
            longer = max((last[3], last[2]), (high, high_in))
            found.append((last[0], last[1], longer[1], longer[0]))
        else:
            found.append((low, low_in, high_in, high))
    return found


def _as_large(first: Fraction | float, second: Fraction | float) -> bool:
    if math.inf in (abs(first), abs(second)):
        return first == second
    assert isinstance(first, Fraction) and isinstance(second, Fraction)
    return abs(first - second) <= max(abs(first), abs(second)) * Fraction(1, 10**30)


def _items(gold: Answer, answer: Answer) -> bool | None:
    if any(map(_EITHER_SIGN.search, (gold.head, *gold.sides, answer.head, *answer.sides))):
        pair = _with_both_signs(gold), _with_both_signs(answer)
        return None if pair == (gold, answer) else _equal(*pair)
    if _names_another_function(gold.head, answer.head):
        return False
    if {gold.head, answer.head} == {"x", "y"}:
        # Lines, such as `x = 1` and `y = 1`, or `y = 2x` and `x = y/2`.
        return _equations(gold, answer)
    wanted, got = _value_side(gold), _value_side(answer)
    if wanted is False or got is False:
        return False
    if isinstance(wanted, str) and isinstance(got, str):
        said = _leaves(wanted, got)
        if not said and answer.about and len(answer.sides) > 1:
            return _leaves(wanted, answer.sides[-1]) or said
        return said
    return _equations(gold, answer)


def _names_another_function(gold: str, answer: str) -> bool:
    """Whether both heads are values of functions by name, such as `\\sin A`, and not the same."""
    named = [re.match(r"\\?(?:sin|cos|tan|ln|log)(?![a-z])", head) for head in (gold, answer)]
    return all(named) and clean.key(gold) != clean.key(answer)


def _value_side(item: Answer) -> str | bool | None:
    """The side that an item comes to; None where it is an equation; False where its sides contradict each other."""
    if len(item.sides) == 1:
        return item.sides[0]
    read = [_read(side) for side in item.sides]
    closed = [node is not None and not _has_symbols(node) for node in read]
    if None in read:
        return None
    if not closed[-1]:
        return item.sides[-1] if item.head else None
    if not item.head and not closed[0] and sum(closed) < 2:
        return None
    known = [node for node, is_closed in zip(read, closed, strict=True) if is_closed and node is not None]
    exact, last = known[:-1], known[-1]
    if item.about and exact:
        # Before an approximate sign stands what it is.
        if any(same(node, exact[-1]) is False for node in exact[:-1]) or not _near(exact[-1], last, item.sides[-1]):
            return False
        return item.sides[-2]
    return False if any(same(node, last) is False for node in exact) else item.sides[-1]


def _near(exact: Node, rounded: Node, text: str) -> bool:
    values = value(exact), value(rounded)
    if values[0] is None or values[1] is None:
        return True
    match = _DECIMAL.fullmatch(text.strip())
    return abs(values[0] - values[1]) <= max(Fraction(1, 10 ** len(match[1])) if match else 0, abs(values[0]) / 100)


def _equations(gold: Answer, answer: Answer) -> bool | None:
    sides = []
    for item in (gold, answer):
        texts = (item.head, *item.sides) if item.head else item.sides
        read = [_read(text) for text in texts]
        if len(texts) == 1 and read[0] is not None:
            # A value beside an equation with symbols, whose right side is not what it says.
            return False
        if len(texts) != 2 or read[0] is None or read[1] is None:
            return None
        sides.append(Node("sum", (read[0], Node("product", (number(-1), read[1])))))
    said = proportional(*sides)
    if said is False and any(_is_divided(node) for side in sides for node in side.walk()):
        return None
    return said


def _is_divided(node: Node) -> bool:
    """Whether a node is no polynomial's: multiplying both sides of its equation may change how they look."""
    if node.kind == "quotient":
        return _has_symbols(node.parts[1])
    return node.kind == "power" and node.parts[1].kind == "number" and node.parts[1].value < 0


def _leaves(gold: str, answer: str) -> bool | None:
    plain = numbers.read(gold), numbers.read(answer)
    if plain[0] and plain[1]:
        return numbers.agree(plain[0], plain[1])
    measures = [_measure(text) for text in (gold, answer)]
    if measures[0] and measures[1] and measures[0] != measures[1]:
        return False
    wanted, got = _read(gold), _read(answer)
    if wanted is None or got is None:
        return True if clean.key(gold) == clean.key(answer) else None
    infinite = [_infinite(node) for node in (wanted, got)]
    if any(infinite):
        return infinite[0] == infinite[1]
    said = same(wanted, got)
    return _rounded(gold, answer, wanted, got) if said is False else said


def _rounded(gold: str, answer: str, wanted: Node, got: Node) -> bool | None:
    """What to say of different values: a decimal fraction may be the other one, rounded; None where they are near."""
    values = value(wanted), value(got)
    if values[0] is None or values[1] is None:
        return False
    for text, decimal, exact in ((gold, values[0], values[1]), (answer, values[1], values[0])):
        match = _DECIMAL.fullmatch(clean.key(units.without_unit(text)))
        if match and numbers.shows(decimal, len(match[1]), exact):
            return True
    inexact = [re.search(r"\.\d{4}", text) for text in (gold, answer)]
    near = abs(values[0] - values[1]) <= _NEAR * max(abs(values[0]), abs(values[1]))
    both_plain = _DECIMAL.fullmatch(clean.key(gold)) or _DECIMAL.fullmatch(clean.key(answer))
    return None if near and any(inexact) and not both_plain else False


@lru_cache(maxsize=4096)
def _read(text: str) -> Node | None:
    """The expression in a side of an answer, without its unit."""
    for candidate in dict.fromkeys((text, units.without_unit(text))):
        try:
            return expression(_plain(candidate))
        except UnreadableError:
            continue
    plain = numbers.read(text)
    return number(plain.value) if plain and not plain.percent and not plain.doubtful else None


def _plain(text: str) -> str:
    text = _SET_OF_ARGUMENTS.sub(r"\1(\2)", text)
    text = re.sub(r"(\d*\.\d*)\\(?:overline|bar|dot)\{?(\d+)\}?", _repeating, text)
    return re.sub(r"(?<![\d.])(\d{1,3})((?:,\d{3})+)(?!\d)", lambda match: match.group().replace(",", ""), text)


def _repeating(match: re.Match[str]) -> str:
    found = numbers.read(match.group())
    return rf"\frac{{{found.value.numerator}}}{{{found.value.denominator}}}" if found else match.group()


def _measure(text: str) -> units.Unit | None:
    bare = units.without_unit(text)
    if bare == text:
        return None
    return units.read(re.sub(r"^\s*(?:\\[,;:! ]|~)*", "", clean.unwrapped(text[len(bare) :])).strip())


def _infinite(node: Node) -> int:
    """1 or -1 for an infinity by itself, 0 for anything else."""
    if node.kind == "constant" and node.name == "infinity":
        return 1
    return -_infinite(node.parts[1]) if node.kind == "product" and node.parts[0] == number(-1) else 0


def _has_symbols(node: Node) -> bool:
    return any(part.kind == "symbol" for part in node.walk())


def _is_unread(answer: Answer) -> bool:
    """Whether an answer is no value that is read; a sum of unit vectors is none, but a vector."""
    return answer.kind in ("dots", "condition") or (
        answer.kind == "item" and any(_read(side) is None or _UNIT_VECTOR.search(side) for side in answer.sides)
    )
