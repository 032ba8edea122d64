"""Whether two answers are equal, by how they are built and by the values of the expressions in them."""

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from hipo_data.graders.math import clean, numbers, units
from hipo_data.graders.math.expressions.nodes import Node, UnreadableError, number
from hipo_data.graders.math.expressions.read import expression
from hipo_data.graders.math.expressions.same import proportional, same, value
from hipo_data.graders.math.expressions.structure import Answer, structure

_DECIMAL = re.compile(r"[+-]?\d*\.(\d+)")
_MOST_PARTS = 60
_NEAR = Fraction(1, 10**4)


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
    return _equal(wanted, got)


def _equal(gold: Answer, answer: Answer) -> bool | None:
    if gold.kind == answer.kind == "item":
        return _items(gold, answer)
    gold, answer = _with_both_signs(gold), _with_both_signs(answer)
    if "matrix" in (gold.kind, answer.kind):
        return _matrices(gold, answer)
    if "union" in (gold.kind, answer.kind):
        return _unions(gold, answer)
    if "dots" in (gold.kind, answer.kind):
        return gold.kind == answer.kind
    if gold.kind == answer.kind == "tuple":
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
        if len(several.parts) == 1:
            return _equal(several.parts[0], one) if several is gold else _equal(one, several.parts[0])
        return None if _is_unread(one) or any(map(_is_unread, several.parts)) else False
    return _in_any_order(gold.parts, answer.parts)


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
    if answer.kind != "item" or len(answer.sides) != 1 or not re.search(r"\\(?:pm|mp)(?![a-z])", answer.sides[0]):
        return answer
    text = answer.sides[0]
    if len(re.findall(r"\\pm(?![a-z])", text)) > 1:
        return answer
    signs = (("+", "-"), ("-", "+"))
    both = [re.sub(r"\\mp(?![a-z])", minus, re.sub(r"\\pm(?![a-z])", plus, text)) for plus, minus in signs]
    return Answer("list", tuple(answer._replace(sides=(side,)) for side in both))


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
    rows = tuple(part for part in other.parts if part.kind == "tuple")
    if len(rows) != len(other.parts):
        return None
    return _in_order(*((matrix.parts, rows) if matrix is gold else (rows, matrix.parts)))


def _unions(gold: Answer, answer: Answer) -> bool | None:
    """Unions of intervals are equal with the same pieces; others are left alone."""
    pieces = [side.parts if side.kind == "union" else (side,) for side in (gold, answer)]
    if not all(part.kind == "tuple" and len(part.parts) == 2 for side in pieces for part in side):
        values = any(side.kind == "item" and not _is_unread(side) for side in (gold, answer))
        return False if values else None
    if len(pieces[0]) != len(pieces[1]):
        return None
    return _in_any_order(*pieces)


def _items(gold: Answer, answer: Answer) -> bool | None:
    if "\\pm" in "".join((*gold.sides, *answer.sides)) or "\\mp" in "".join((*gold.sides, *answer.sides)):
        pair = _with_both_signs(gold), _with_both_signs(answer)
        return None if pair == (gold, answer) else _equal(*pair)
    wanted, got = _value_side(gold), _value_side(answer)
    if wanted is False or got is False:
        return False
    if wanted and got:
        said = _leaves(wanted, got)
        if not said and answer.about and len(answer.sides) > 1:
            return _leaves(wanted, answer.sides[-1]) or said
        return said
    return _equations(gold, answer)


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
    return node.kind == "call" or (node.kind == "power" and node.parts[1].kind != "number")


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
    return answer.kind == "dots" or (answer.kind == "item" and any(_read(side) is None for side in answer.sides))
