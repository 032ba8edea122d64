"""What to say of a pair before math-verify is asked: the cases in which it is known to err, or that are plain.

A rule is a function of (gold, answer, question) that returns True (equal), False (not equal) or None (no opinion).
Beside each rule stand pairs that it must accept, refuse, and leave alone; the tests run them all.
"""

import re
from fractions import Fraction

from hipo_data.graders.math import clean, clock, compound, dates, numbers, options, orders, words
from hipo_data.graders.math.rule import Rule


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


_TOWER = re.compile(r"\^\s*(?:\{[^{}]*\^|\([^()]*\^|-?\d+\s*\^)")
_FACTORIAL = re.compile(r"(\d+|\d\^\{?\d+\}?|[\d^]+\))\s*!")
_EXPONENT = re.compile(r"\^\s*\{?\s*\(?\s*-?(\d+)")
MAX_LENGTH = 2000
_LONG = 300
_OPERATION = re.compile(r"\\(?:lim|int|iint|sum|prod)(?![a-z])")
"""What takes long to carry out on a long expression."""
MAX_DEPTH = 60


def too_complex(gold: str, answer: str, question: str) -> bool | None:
    """False for an answer that takes too long to work out, unless its gold does so too."""
    return False if _is_complex(answer) and not _is_complex(gold) else None


def _is_complex(text: str) -> bool:
    if len(text) > MAX_LENGTH or (len(text) > _LONG and _OPERATION.search(text)):
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
    return numbers.agree(wanted, got, percent_said=bool(_PERCENT_ASKED.search(question)))


_TEN = "10"
_LETTERS = re.compile(r"\d.*[A-Z]|[A-Z].*\d")
"""Digits that no number to base ten has."""
_BASED = re.compile(r"(-?[0-9A-Za-z]+)_\{?(\d{1,2})\}?")


def _number_bases(gold: str, answer: str, question: str) -> bool | None:
    pair = [_BASED.fullmatch(_key_of_based(text)) for text in (gold, answer)]
    written = [(match[1].upper(), match[2]) if match else None for match in pair]
    if all(item and item[1] != _TEN for item in written):
        return written[0] == written[1]
    for item, text in zip(written, (answer, gold), strict=True):
        if item and item[0] == clean.key(text).upper() and _value(item, text) is not None and _LETTERS.search(item[0]):
            return True  # no other base is meant where one says which
    values = [_value(item, text) for item, text in zip(written, (gold, answer), strict=True)]
    if not any(written) or None in values:
        return None
    # The question may have named the base: then an answer may leave it out, but not add another one.
    return values[0] == values[1] or (None if written[0] else False)


def _value(written: tuple[str, str] | None, text: str) -> Fraction | None:
    if written is None:
        number = numbers.read(text)
        return number.value if number else None
    try:
        return Fraction(int(written[0], int(written[1]))) if 2 <= int(written[1]) <= 36 else None
    except ValueError:
        return None


def _key_of_based(text: str) -> str:
    key = re.sub(r"^\((\w+)\)(?=_)", r"\1", clean.key(text))
    return re.sub(r"(?<=\d),(?=\d{3})", "", key).replace("_{two}", "_2").replace("_{ten}", "_10")


_SIDES = re.compile(r"([\[({])(.*)([\])}])", re.S)


def _brackets(gold: str, answer: str, question: str) -> bool | None:
    pair = [_enclosed(text) for text in (gold, answer)]
    if not all(pair):
        return None
    kinds = [(match[1], match[3]) for match in pair if match]
    commas = [_commas(match[2]) for match in pair if match]
    if commas[0] != commas[1] or not commas[0] or kinds[0] == kinds[1]:
        return None
    # With three members or more, square brackets are no interval but another way to write a tuple.
    return False if commas[0] == 1 or "{" in kinds[0] + kinds[1] else None


def _enclosed(text: str) -> re.Match[str] | None:
    """The brackets that are around all of a text, and what is in them; not the first and last of several pairs."""
    plain = re.sub(r"\\([{}])", r"\1", clean.key(text).replace(r"\lbrace", "{").replace(r"\rbrace", "}"))
    depth = 0
    for place, character in enumerate(plain):
        depth += (character in "([{") - (character in ")]}")
        if not depth and place + 1 < len(plain):
            return None
    return None if depth else _SIDES.fullmatch(plain)


def _commas(text: str) -> int:
    depth = count = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        count += character == "," and depth == 0
    return count


_CONGRUENCE = re.compile(r"(?:[a-z]\\equiv)?(?P<residue>-?\d+)\(?(?:\\pmod|\\bmod|\\mod|mod)\{?(?P<modulus>\d+)\}?\)?")


def _congruences(gold: str, answer: str, question: str) -> bool | None:
    pair = [_CONGRUENCE.fullmatch(clean.key(text)) for text in (gold, answer)]
    if pair[0] and pair[1]:
        if int(pair[0]["modulus"]) != int(pair[1]["modulus"]) or not int(pair[0]["modulus"]):
            return False
        return (int(pair[0]["residue"]) - int(pair[1]["residue"])) % int(pair[0]["modulus"]) == 0
    congruence, other = (pair[0], answer) if pair[0] else (pair[1], gold)
    number = numbers.read(re.sub(r"^[a-z]\s*(?:=|\\equiv)\s*", "", clean.tex(other)))
    return None if congruence is None or number is None else number.value == int(congruence["residue"])


_COMPARED = re.compile(r"(?:[<>]=?|\\(?:ne|neq|le|leq|leqslant|ge|geq|geqslant|lt|gt)(?![a-z])).*", re.S)


def _bare_relations(gold: str, answer: str, question: str) -> bool | None:
    pair = [_COMPARED.fullmatch(clean.tex(text)) is not None for text in (gold, answer)]
    return False if pair[0] != pair[1] and all(numbers.read(text) for text in _without_relation(gold, answer)) else None


def _without_relation(*texts: str) -> list[str]:
    return [re.sub(r"^(?:[<>]=?|\\[a-z]+)", "", clean.tex(text)) for text in texts]


_SPACED = re.compile(r"-?\d+(?: \d+)+")


def _spaced_digits(gold: str, answer: str, question: str) -> bool | None:
    pair = [numbers.read(text) for text in (gold, answer)]
    if (pair[0] is None) == (pair[1] is None):
        return None
    return False if _SPACED.fullmatch(clean.key(gold if pair[0] is None else answer)) else None


_IN_TERMS = re.compile(r"\bin (?:terms|units|multiples) of (?:the )?(?:[a-z]+ )?\$?\\?([A-Za-z]+)\b")


def _in_terms(gold: str, answer: str, question: str) -> bool | None:
    """A number times the symbol that the question wants it in, where the gold is the number alone."""
    asked = _IN_TERMS.search(question)
    wanted = numbers.read(gold)
    if asked is None or wanted is None or wanted.unit is not None:
        return None
    match = re.fullmatch(r"(.*\d)\s*\\?" + re.escape(asked[1]), clean.unwrapped(answer).strip())
    number = numbers.read(match[1]) if match else None
    return None if number is None else numbers.agree(wanted, number)


RULES = (
    Rule(
        "identical",
        _identical,
        accepts=[(r"\frac{1}{2}", r"$\dfrac12$"), ("(1, 2)", r"\left(1,2\right)"), ("x^2", "x^{2}."), ("2:3", "2:3")],
        leaves=[("1", "2"), ("", "")],
    ),
    Rule(
        "too_complex",
        too_complex,
        refuses=[("5", "10^{10^{10}}"), ("7", "(10^9)!"), ("1", "(" * 3000 + "1" + ")" * 3000), ("2", "9^{9999999}")],
        leaves=[
            ("2^{3^{4}}", "2^{81}"),
            ("2^{10}", "1024"),
            ("x^2", "x^{2}"),
            ("5!", "120"),
            (r"\frac{x^2}{4} + \frac{y^2}{9} = 1", "9x^2 + 4y^2 = 36"),
        ],
    ),
    *clock.RULES,
    *dates.RULES,
    *compound.RULES,
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
            ("1000000", "1 000 000"),
            ("1/6", "0.1666..."),
            (r"5^{\text{th}}", "5th"),
            ("10", "10m"),
            ("3/4", r"3 \text{ out of } 4"),
            ("1500000", r"\$1.5\text{ million}"),
            ("24", "2 dozen eggs"),
            (r"10\text{ cm}^2", r"10\text{ square centimeters}"),
            ("60 mph", r"60\text{ miles per hour}"),
            ("12 inches", "1 foot"),
            ("6 pounds", "6 lb."),
            (r"98.6^\circ F", "98.6"),
            (r"20^\circ\text{C}", r"20^\circ"),
            (r"\text{Rs. }20", "₹20"),
            ("Rs 20", "20"),
            ("€20", "20 euros"),
            ("¥18", "18 yuan"),
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
            ("10 cm^2", "10 cm^3"),
            ("60 km/h", "60 mph"),
            (r"20^\circ\text{C}", r"20^\circ\text{F}"),
            ("3m", "3"),
            ("-5", "+5"),
            ("2 dozen", "2"),
            ("5 apples", "5 oranges"),
            ("€20", "$20"),
        ],
        leaves=[("3x", "3x + 0"), ("2i", "2"), ("3\\sqrt{5}", "3"), ("1, 2", "2, 1"), ("1_2", "1")],
    ),
    Rule(
        "in_terms",
        _in_terms,
        accepts=[("-5", "-5 e", "Find the charge on the drop, in terms of $e$.")],
        refuses=[("-5", "5 e", "Find the charge on the drop, in terms of $e$.")],
        leaves=[("-5", "-5 e"), ("5 e", "5 e", "in terms of $e$"), ("5", "5 m", "in terms of $e$")],
    ),
    Rule(
        "spaced_digits",
        _spaced_digits,
        refuses=[("12", "1 2"), ("3", "1 2")],
        leaves=[("1000", "1 000"), ("3/2", "1 1/2"), ("1 2", "1, 2"), ("3", r"\log_2 8")],
    ),
    Rule(
        "congruences",
        _congruences,
        accepts=[
            (r"x \equiv 7 \pmod{12}", r"7 \pmod{12}"),
            (r"7 \pmod{12}", "7"),
            (r"7 \pmod{12}", r"x \equiv -5 \pmod{12}"),
            ("7", r"7 \bmod 12"),
        ],
        refuses=[(r"x \equiv 7 \pmod{12}", r"x \equiv 7 \pmod{13}"), (r"x \equiv 7 \pmod{12}", "19")],
        leaves=[("7", "19"), ("x", r"7 \pmod{12}")],
    ),
    Rule(
        "bare_relations",
        _bare_relations,
        refuses=[("5", "> 5"), ("5", r"\neq 5"), (r"\le 5", "5")],
        leaves=[("x > 5", "> 5"), ("> 5", "> 5"), ("5", r"\approx 5"), ("5", r"\sqrt{25}")],
    ),
    *orders.RULES,
    *options.RULES,
    *words.RULES,
    Rule(
        "number_bases",
        _number_bases,
        accepts=[
            ("101_2", "5"),
            ("5", "101_{2}"),
            ("1323_{4}", "1323_4"),
            ("FF_{16}", "255"),
            ("52_8", "42_{10}"),
            ("413_5", "(413)_5"),
            ("2BA", "2BA_{16}"),
        ],
        refuses=[("1_2", "1_3"), ("101_2", "110_2"), ("77", "77_8")],
        leaves=[("101_2", "6"), ("x_1", "x_1 + 0"), (r"\mathrm{CO}_2", r"\mathrm{CO}")],
    ),
    Rule(
        "brackets",
        _brackets,
        refuses=[
            ("(1,2)", r"\{1,2\}"),
            (r"\{1,2\}", "(1,2)"),
            ("(1,2)", "[1,2]"),
            ("[0,1)", "(0,1]"),
            ("(1,2,3)", r"\{1,2,3\}"),
        ],
        leaves=[
            ("(1,2)", "(2,1)"),
            ("1,2", "(1,2)"),
            ("(1,2,3)", "[1,2,3]"),
            (r"\{1,2\}", "{2,1}"),
            (r"[k\pi,k\pi+1](k\in Z)", r"[k\pi,k\pi+1]"),
        ],
    ),
)
