"""Answers in words: multiple choice, names, numbers and other answers that are spelled out."""

import re
from collections import Counter
from fractions import Fraction

from hipo_data.graders.math import clean, numbers
from hipo_data.graders.math.rule import Rule

_LETTER = re.compile(r"\(?([A-J])\)?")
_CHOSEN = re.compile(
    r"(?:(?:the)?(?:option|choice|answer)(?:is)?:?)?(?:\(([A-Ja-j])\).*|([A-Ja-j])(?:[.):].*|$))", re.S | re.I
)
_SENTENCE = re.compile(r"[A-Za-z'-]+(?: [A-Za-z'-]+)+")
_LETTERS = re.compile(r"[A-J]{2,}")
_LABEL = re.compile(r"\(([A-J])\)(.+)", re.S)


def _multiple_choice(gold: str, answer: str, question: str) -> bool | None:
    wanted = _LETTER.fullmatch(clean.key(gold)) or _LABEL.fullmatch(clean.key(gold))
    if wanted is None:
        return None
    chosen = _CHOSEN.fullmatch(clean.key(answer))
    if chosen is None and _SENTENCE.fullmatch(clean.unwrapped(answer)):
        return False
    if chosen is None or (not chosen[1] and chosen[2].islower() and _LABEL.fullmatch(clean.key(gold))):
        return None
    return (chosen[1] or chosen[2]).upper() == wanted[1]


def _several_choices(gold: str, answer: str, question: str) -> bool | None:
    pair = [_letters(text) for text in (gold, answer)]
    return None if pair[0] is None or pair[1] is None else pair[0] == pair[1]


def _letters(text: str) -> list[str] | None:
    """The letters chosen, sorted: `ACD`, `A, C and D`, `(A), (C)`; None where there is no more than one."""
    joined = clean.key(text)
    if _LETTERS.fullmatch(joined) and list(joined) == sorted(set(joined)):
        return list(joined)
    parts = [_LETTER.fullmatch(part) for part in _parts(text)]
    return sorted(part[1] for part in parts if part) if len(parts) > 1 and all(parts) else None


_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]+")
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


def _synonyms(gold: str, answer: str, question: str) -> bool | None:
    pair = [_MEANING.get(_plain(text).replace("\\", "").casefold()) for text in (gold, answer)]
    return True if pair[0] is not None and pair[0] == pair[1] else None


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


def _parts(text: str) -> list[str]:
    return [clean.key(part) for part in _SEPARATOR.split(clean.unwrapped(text))]


def _plain(text: str) -> str:
    return clean.key(_ARTICLE.sub("", clean.unwrapped(text)))


RULES = (
    Rule(
        "several_choices",
        _several_choices,
        accepts=[("AC", "A, C"), ("A, C", "C and A"), (r"\text{(A), (B)}", "(B), (A)"), ("ABD", "A, B, D")],
        refuses=[("AC", "A, D"), ("A, C", "A, B, C")],
        leaves=[("A", "A"), ("AC", "A"), ("1, 2", "2, 1"), ("AB", "BA"), ("PQ", "QP")],
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
            ("B", "Option B"),
            ("B", r"\text{choice (B)}"),
            ("C", "c"),
            ("(C) 12", "C"),
        ],
        refuses=[
            ("A", "B"),
            ("(C)", r"\text{(D)}"),
            ("A", "C) 4"),
            ("B", "Option C"),
            ("(C) 12", "(D) 12"),
            ("A", "a man"),
        ],
        leaves=[("A", "12"), ("AB", "A"), ("B", "A, B"), ("(C) 12", "12"), ("x", "B")],
    ),
    Rule(
        "synonyms",
        _synonyms,
        accepts=[
            (r"\text{no solution}", r"\emptyset"),
            (r"\varnothing", r"\{\}"),
            ("no solution", "No solutions."),
            (r"\text{does not exist}", "DNE"),
            (r"\infty", "infinity"),
            (r"\mathbb{R}", r"\text{all real numbers}"),
            ("Yes", "True"),
        ],
        leaves=[(r"\text{no solution}", "0"), (r"\emptyset", r"\{0\}"), (r"\infty", r"-\infty"), ("Yes", "no")],
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
)
