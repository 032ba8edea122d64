"""Answers in words: names, numbers and other answers that are spelled out."""

import re
from collections import Counter
from fractions import Fraction

from hipo_data.graders.math import clean, numbers, units
from hipo_data.graders.math.rule import Rule

_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]+")
_ANGLE = re.compile(r"m?\\(?:measured)?angle\{?([A-Z]{3})\}?")
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.I)
_SEPARATOR = re.compile(r"\s*(?:,\s*(?:and|or)\b|,|;|&|\band\b|\bor\b)\s*")
_SAME = (
    ("emptyset", "varnothing", "{}", "nosolution", "nosolutions", "norealsolution", "norealsolutions", "none",
     "emptyset", "nosuchnumber", "nosolutionexists"),
    ("doesnotexist", "dne", "undefined"),
    ("infinity", "infty", "+infty", "infinite", "infinitelymany", "infinitelymanysolutions"),
    ("mathbb{r}", "allrealnumbers", "allreals", "allrealx", "r", "(-infty,infty)"),
    ("true", "yes"),
    ("false", "no"),
)  # fmt: skip
_MEANING = {word: number for number, group in enumerate(_SAME) for word in group}
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_FRACTIONS = (
    (1, 2, "one", "half"), (1, 3, "one", "third"), (2, 3, "two", "thirds"), (1, 4, "one", "fourth"),
    (1, 4, "one", "quarter"), (3, 4, "three", "fourths"), (3, 4, "three", "quarters"),
)  # fmt: skip
_VALUES: dict[str, int | Fraction] = {
    **{word: number for number, word in enumerate(_ONES)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
    **{f"{ten}-{_ONES[one]}": 10 * number + one for number, ten in enumerate(_TENS, start=2) for one in range(1, 10)},
    **{f"{name}{part}": Fraction(top, bottom) for top, bottom, name, part in _FRACTIONS},
    "half": Fraction(1, 2),
    "onehundred": 100,
    "onethousand": 1000,
}


_THERE = r"(?:there(?:is|are|exists?))?"
_NOTHING = re.compile(
    rf"{_THERE}no(?:such)?(?:real|integer)?(?:solutions?|roots?)(?:exists?)?|{_THERE}nosuch[a-z]{{1,40}}|无(?:实数)?解"
)


def _synonyms(gold: str, answer: str, question: str) -> bool | None:
    pair = [_meaning(_plain(text).replace("\\", "").casefold()) for text in (gold, answer)]
    return True if pair[0] is not None and pair[0] == pair[1] else None


def _meaning(word: str) -> int | None:
    return _MEANING["nosolution"] if _NOTHING.fullmatch(word) else _MEANING.get(word)


def _spelled_numbers(gold: str, answer: str, question: str) -> bool | None:
    values = [_spelled(_plain(text).casefold()) for text in (gold, answer)]
    if (values[0] is None) == (values[1] is None):
        return None
    written = numbers.read(answer if values[1] is None else gold)
    return None if written is None else written.value in values


def _spelled(word: str) -> int | Fraction | None:
    return _VALUES.get(word, _VALUES.get(word.replace("-", "")))


def _words(gold: str, answer: str, question: str) -> bool | None:
    wanted, got = _plain(gold), _plain(answer)
    if not (_WORDS.fullmatch(wanted) and _WORDS.fullmatch(got)):
        return None
    if wanted.casefold() == got.casefold():
        return True
    letters_multiplied = max(len(wanted), len(got)) <= 3 and wanted.islower() and got.islower()
    return None if letters_multiplied and "text" not in gold + answer else False


def _lists_of_words(gold: str, answer: str, question: str) -> bool | None:
    pair = [[_plain(part).casefold() for part in _parts(text)] for text in (gold, answer)]
    if any(len(parts) < 2 or not all(map(_WORDS.fullmatch, parts)) for parts in pair):
        return None
    return Counter(pair[0]) == Counter(pair[1])


_PHRASE = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:,? [A-Za-z][A-Za-z'’-]*)+")


def _phrases(gold: str, answer: str, question: str) -> bool | None:
    pair = [_ARTICLE.sub("", clean.unwrapped(text)).strip() for text in (gold, answer)]
    if not all(map(_PHRASE.fullmatch, pair)) or (re.search(r"\\text|\\mathrm", gold) and len(pair[0]) < 4):
        return None
    return " ".join(pair[0].split()).casefold() == " ".join(pair[1].split()).casefold()


_FACES = re.compile(r"\\(?:text|textbf|mathrm|mbox|textrm|textit)(?![a-zA-Z])")
_DENIAL = re.compile(r"(?<![A-Za-z])(?:not|wrong|incorrect|isn't|cannot|neither|never)(?![A-Za-z])|不是|错误")


def _words_that_change(gold: str, answer: str, question: str) -> bool | None:
    written = [_FACES.sub(" ", text) for text in (gold, answer)]
    said = [bool(_DENIAL.search(text)) for text in written]
    if said[1] and not said[0]:
        return False
    # Words beside a number that no unit has: "or more", "is wrong", "at least".
    if numbers.read(gold) is None or numbers.read(answer) is not None:
        return None
    words = re.sub(r"[=<>≥≤{}$]|\\[a-zA-Z]+|\\[ ,;:!]", " ", written[1])
    beside = re.search(r"\d\s*[A-Za-z]{2}", words) or re.search(r"[A-Za-z]{2}\s*\d", words)
    plain = not re.search(r"[=_^(+]", written[1])
    return False if beside and plain and units.changes_the_number(words) else None


def _parts(text: str) -> list[str]:
    return [clean.key(part) for part in _SEPARATOR.split(clean.unwrapped(text))]


def _plain(text: str) -> str:
    return clean.key(_ARTICLE.sub("", clean.unwrapped(text)))


def _angles(gold: str, answer: str, question: str) -> bool | None:
    """An angle of three points is known by the one in the middle; math-verify takes them for a product."""
    pair = [_ANGLE.fullmatch(clean.key(text)) for text in (gold, answer)]
    if not pair[0] or not pair[1]:
        return None
    return pair[0][1] in (pair[1][1], pair[1][1][::-1])


RULES = (
    Rule(
        "angles",
        _angles,
        accepts=[(r"\angle ABC", r"\angle CBA"), (r"\angle ABC", r"m\angle{ABC}")],
        refuses=[(r"\angle ABC", r"\angle ACB"), (r"\angle PQR", r"\angle PQS")],
        leaves=[(r"\angle ABC", r"30^\circ"), (r"\angle A", r"\angle B"), ("ABC", "ACB")],
    ),
    Rule(
        "synonyms",
        _synonyms,
        accepts=[
            (r"\text{no solution}", r"\emptyset"),
            (r"\varnothing", r"\{\}"),
            ("no solution", "No solutions."),
            ("no solution", r"\text{There are no real solutions}"),
            (r"\text{No such integers exist}", "None"),
            (r"\text{does not exist}", "DNE"),
            (r"\infty", "infinity"),
            (r"\mathbb{R}", r"\text{all real numbers}"),
            ("Yes", "True"),
        ],
        leaves=[
            (r"\text{no solution}", "0"),
            ("no solution", "no more than one solution"),
            (r"\emptyset", r"\{0\}"),
            (r"\infty", r"-\infty"),
            ("Yes", "no"),
        ],
    ),
    Rule(
        "spelled_numbers",
        _spelled_numbers,
        accepts=[("5", "five"), (r"\text{two}", "2"), ("42", "Forty-two"), (r"\frac{2}{3}", "two-thirds")],
        refuses=[("5", "six"), ("two", "3")],
        leaves=[("five", "six"), ("x", "two"), ("1", "one third of it")],
    ),
    Rule(
        "words",
        _words,
        accepts=[("even", r"\text{Even}"), ("Yes", "yes"), (r"\text{ellipse}", "an ellipse")],
        refuses=[("listen", "silent"), (r"\text{even}", r"\text{neve}"), ("even", "odd"), (r"\text{no}", r"\text{on}")],
        leaves=[("ab", "ba"), ("x", "y"), ("2x", "x2")],
    ),
    Rule(
        "lists_of_words",
        _lists_of_words,
        accepts=[(r"\text{Carla and Bob}", "Bob, Carla"), ("red, green, blue", r"\text{blue, red, and green}")],
        refuses=[("Carla and Bob", "Carla and Rob"), ("red, green", "red, green, blue")],
        leaves=[("Carla", "Carla and Bob"), ("1, 2", "2, 1"), ("a, b", "b, a")],
    ),
    Rule(
        "phrases",
        _phrases,
        accepts=[("It would also decrease.", "it would also decrease"), ("the mean value", r"\text{mean value}")],
        refuses=[("It would also decrease.", "It would also increase.")],
        leaves=[("Carla", "Carla and Bob"), ("a b", "2")],
    ),
    Rule(
        "words_that_change",
        _words_that_change,
        refuses=[
            ("40", r"40 \text{ is wrong}"),
            ("7", r"7 \text{ or more}"),
            ("7", r"\text{at least } 7"),
            ("40", r"40 \text{ red or } 15 \text{ blue}"),
            (r"\sqrt{2}", r"\text{not } \sqrt{2}"),
            ("5", "5 is not the answer"),
        ],
        leaves=[("40", r"40 \text{ apples}"), ("7", "7, 8"), ("not prime", "not prime"), ("12", "12 in")],
    ),
)
