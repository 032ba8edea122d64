"""What to say of a pair before math-verify is asked: the cases in which it is known to err, or that are plain.

A rule is a function of (gold, answer, question) that returns True (equal), False (not equal) or None (no opinion).
Beside each rule stand pairs that it must accept, refuse, and leave alone; the tests run them all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graders.math import clean, numbers

Pair = tuple[str, str] | tuple[str, str, str]


@dataclass(frozen=True)
class Rule:
    """A named rule with its examples: (gold, answer) or (gold, answer, question)."""

    name: str
    decide: Callable[[str, str, str], bool | None]
    accepts: Sequence[Pair] = ()
    refuses: Sequence[Pair] = ()
    leaves: Sequence[Pair] = ()


def decide(gold: str, answer: str, question: str) -> tuple[bool | None, str]:
    """The first opinion among `RULES` and the name of its rule; (None, "") where math-verify is to be asked."""
    for rule in RULES:
        opinion = rule.decide(gold, answer, question)
        if opinion is not None:
            return opinion, rule.name
    return None, ""


def _identical(gold: str, answer: str, question: str) -> bool | None:
    key = clean.key(gold)
    return True if key and key == clean.key(answer) else None


_TOWER = re.compile(r"\^\s*\{?[^{}]*\^")
_FACTORIAL = re.compile(r"(\d+|\d\^\{?\d+\}?|[\d^]+\))\s*!")
_EXPONENT = re.compile(r"\^\s*\{?\s*\(?\s*-?(\d+)")
MAX_LENGTH = 2000
MAX_DEPTH = 60


def _too_complex(gold: str, answer: str, question: str) -> bool | None:
    return False if _is_complex(answer) and not _is_complex(gold) else None


def _is_complex(text: str) -> bool:
    if len(text) > MAX_LENGTH:
        return True
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    giant = any(len(number) > 5 for number in _EXPONENT.findall(text))
    giant = giant or any(len(number) > 4 or "^" in number for number in _FACTORIAL.findall(text)) or "!!" in text
    return deepest > MAX_DEPTH or giant or bool(_TOWER.search(text) and re.search(r"\d", text))


_PERCENT_ASKED = re.compile(r"percent|%", re.I)


def _plain_numbers(gold: str, answer: str, question: str) -> bool | None:
    wanted, got = numbers.read(gold), numbers.read(answer)
    if wanted is None or got is None:
        return None
    if wanted.percent == got.percent:
        return numbers.equal(wanted, got)
    shares = [n.value / 100 if n.percent else n.value for n in (wanted, got)]
    # Where the gold or the question says "percent", an answer may leave the sign out, or repeat it.
    said = wanted.percent or bool(_PERCENT_ASKED.search(question))
    return shares[0] == shares[1] or (said and wanted.value == got.value)


_LETTER = re.compile(r"\(?([A-J])\)?")
_CHOSEN = re.compile(r"\(([A-J])\).*|([A-J])(?:[.):].*|$)", re.S)


def _multiple_choice(gold: str, answer: str, question: str) -> bool | None:
    wanted = _LETTER.fullmatch(clean.key(gold))
    if wanted is None:
        return None
    chosen = _CHOSEN.fullmatch(clean.key(answer))
    return None if chosen is None else (chosen[1] or chosen[2]) == wanted[1]


_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]+")


def _words(gold: str, answer: str, question: str) -> bool | None:
    wanted, got = clean.key(gold), clean.key(answer)
    if not (_WORDS.fullmatch(wanted) and _WORDS.fullmatch(got)):
        return None
    if wanted.casefold() == got.casefold():
        return True
    letters_multiplied = max(len(wanted), len(got)) <= 3 and wanted.islower() and got.islower()
    return None if letters_multiplied and "text" not in gold + answer else False


_BASED = re.compile(r"(-?[0-9A-Za-z]+)_\{?(\d{1,2})\}?")


def _number_bases(gold: str, answer: str, question: str) -> bool | None:
    pair = [_BASED.fullmatch(clean.key(text)) for text in (gold, answer)]
    if all(pair):
        written = [(match[1].upper(), match[2]) for match in pair if match]
        return written[0] == written[1]
    based, other = (pair[0], answer) if pair[0] else (pair[1], gold)
    plain = numbers.read(other)
    if based is None or plain is None or not 2 <= int(based[2]) <= 36:
        return None
    try:
        value = int(based[1], int(based[2]))
    except ValueError:
        return None
    return True if plain.value == value else None


_SIDES = re.compile(r"(\\?[\[({])(.*)(\\?[\])}])", re.S)


def _brackets(gold: str, answer: str, question: str) -> bool | None:
    pair = [
        _SIDES.fullmatch(clean.key(text).replace(r"\lbrace", r"\{").replace(r"\rbrace", r"\}"))
        for text in (gold, answer)
    ]
    if not all(pair):
        return None
    kinds = [(match[1], match[3]) for match in pair if match]
    if any(_commas(match[2]) != 1 for match in pair if match):
        return None
    return False if kinds[0] != kinds[1] else None


def _commas(text: str) -> int:
    depth = count = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        count += character == "," and depth == 0
    return count


_RATIO = re.compile(r"\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)+(?:[ap]\.?m\.?)?", re.I)


def _colons(gold: str, answer: str, question: str) -> bool | None:
    pair = [bool(_RATIO.fullmatch(clean.key(text))) for text in (gold, answer)]
    if pair[0] == pair[1]:
        return False if pair[0] and not _same_ratio(gold, answer, question) else None
    return None if re.search(r"\bratio\b", question, re.I) else False


def _same_ratio(gold: str, answer: str, question: str) -> bool:
    parts = [[float(part) for part in re.findall(r"\d+(?:\.\d+)?", text)] for text in (gold, answer)]
    if len(parts[0]) != len(parts[1]):
        return False
    if re.search(r"\bratio\b", question, re.I):
        return all(abs(a * parts[1][0] - b * parts[0][0]) < 1e-9 for a, b in zip(*parts, strict=True))
    return parts[0] == parts[1]


RULES = (
    Rule(
        "identical",
        _identical,
        accepts=[(r"\frac{1}{2}", r"$\dfrac12$"), ("(1, 2)", r"\left(1,2\right)"), ("x^2", "x^{2}."), ("2:3", "2:3")],
        leaves=[("1", "2"), ("", "")],
    ),
    Rule(
        "too_complex",
        _too_complex,
        refuses=[("5", "10^{10^{10}}"), ("7", "(10^9)!"), ("1", "(" * 3000 + "1" + ")" * 3000), ("2", "9^{9999999}")],
        leaves=[("2^{3^{4}}", "2^{81}"), ("2^{10}", "1024"), ("x^2", "x^{2}"), ("5!", "120")],
    ),
    Rule(
        "colons",
        _colons,
        refuses=[("11:30", r"\frac{11}{30}"), ("11/30", "11:30"), ("5:3", "5"), ("1:2", "2:1"), ("11:30", "11:31")],
        accepts=[],
        leaves=[("1:2", r"\frac12", "Find the ratio of a to b."), ("2:4", "1:2", "What is the ratio?"), ("1", "2")],
    ),
    Rule(
        "plain_numbers",
        _plain_numbers,
        accepts=[
            ("12", "12."),
            ("1000", "1,000"),
            ("21,\\!000", "21000"),
            (r"\frac{1}{3}", r"0.\overline{3}"),
            ("1e-9", r"1 \times 10^{-9}"),
            ("0.000000001", "1e-9"),
            ("1/6", r"0.1\overline{6}"),
            ("18", "$18.00"),
            (r"\$132", "132"),
            ("60^\\circ", "60"),
            ("10", r"10\text{ cm}"),
            ("10 cm", "0.1 m"),
            ("5", "5 apples"),
            ("0.5", r"50\%"),
            (r"70\%", r"70 \%"),
            (r"70\%", "70"),
            ("70", r"70\%", "What percent of the cars are red?"),
            ("0,111", "0.111"),
            (r"\frac{3}{2}", r"1\frac{1}{2}"),
            ("1.5", "3/2"),
            ("1/3", "0.333333"),
            ("-7/2", r"-\frac{7}{2}"),
            ("2/3", "0.6666667"),
            ("1 1/2", "3/2"),
        ],
        refuses=[
            ("50", r"50\%"),
            ("10 cm", "10 m"),
            (r"10\text{ cm}", r"10\text{ kg}"),
            ("0.0000001", "0.0000002"),
            ("1/3", "0.33333349"),
            ("1", "2"),
            ("1/3", "0.33"),
            ("0.1234567", "0.1234569"),
            ("18", "-18"),
        ],
        leaves=[("3x", "3x + 0"), ("2i", "2"), ("3\\sqrt{5}", "3"), ("1, 2", "2, 1"), ("1_2", "1")],
    ),
    Rule(
        "multiple_choice",
        _multiple_choice,
        accepts=[
            ("A", "A"),
            ("B", "(B)"),
            ("(C)", r"\text{C}"),
            ("D", "D. 14"),
            ("A", "(A) 12"),
            ("E", r"\textbf{(E)}\ 5"),
        ],
        refuses=[("A", "B"), ("(C)", r"\text{(D)}"), ("A", "C) 4")],
        leaves=[("A", "12"), ("AB", "A")],
    ),
    Rule(
        "words",
        _words,
        accepts=[("even", r"\text{Even}"), ("Yes", "yes")],
        refuses=[("listen", "silent"), (r"\text{even}", r"\text{neve}"), ("even", "odd"), (r"\text{no}", r"\text{on}")],
        leaves=[("ab", "ba"), ("x", "y"), ("2x", "x2")],
    ),
    Rule(
        "number_bases",
        _number_bases,
        accepts=[("101_2", "5"), ("5", "101_{2}"), ("1323_{4}", "1323_4"), ("FF_{16}", "255")],
        refuses=[("1_2", "1_3"), ("101_2", "110_2")],
        leaves=[("101_2", "6"), ("x_1", "x_1 + 0")],
    ),
    Rule(
        "brackets",
        _brackets,
        refuses=[("(1,2)", r"\{1,2\}"), (r"\{1,2\}", "(1,2)"), ("(1,2)", "[1,2]"), ("[0,1)", "(0,1]")],
        leaves=[("(1,2)", "(2,1)"), ("1,2", "(1,2)"), (r"\{1,2,3\}", "(1,2,3)"), ("[0,1]", r"[0,\frac{2}{2}]")],
    ),
)
