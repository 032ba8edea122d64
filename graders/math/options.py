"""Multiple choice: options by their letters, by what they say, or by both."""

import re
from typing import NamedTuple

from hipo_data.graders.math import clean
from hipo_data.graders.math.rule import Rule

_LETTER = re.compile(r"\(([A-Ja-j])\)|([A-J])[.)]?")
_LABELLED = re.compile(
    r"(?:\((?P<bracketed>[A-Ja-j])\)[\s.:,]*|(?P<capital>[A-J])\s*[.):]\s*|(?P<small>[a-j])\)\s*)(?P<content>\S.*)"
    r"|(?P<before>[A-J])\s+\((?P<inside>.+)\)",
    re.S,
)
_NAMED = re.compile(
    r"^(?:the\s+)?(?:correct\s+)?(?:option|choice|answer|statement)\s*(?:is\b)?\s*:?\s*(?=\(?[A-J]\b)", re.I
)
_OTHER = re.compile(r"(?<![A-Za-z\\])\(?[A-J]\)(?=\s*\S)|(?<![A-Za-z])[A-J]\s+\(|(?<![A-Za-z])[A-J]\.\s|\b(?:or|not)\b")
_SENTENCE = re.compile(r"[A-Za-z'-]+(?: [A-Za-z'-]+)+")
_LETTERS = re.compile(r"[A-J]{2,}")
_SEPARATOR = re.compile(r"\s*(?:,\s*(?:and|or)\b|,|;|&|\band\b|\bor\b)\s*")


class Option(NamedTuple):
    """The letter of an option, in upper case, and what the option says; empty where only the letter stands there."""

    letter: str
    content: str


def option(text: str) -> Option | None:
    """The single option that `text` is, such as `B`, `(b) 12`, `D. 12`, `B (14)`; None for anything else."""
    plain = _NAMED.sub("", clean.unwrapped(text).strip()).strip()
    plain = re.sub(r"\s+", " ", re.sub(r"^\{\s*(\([A-J]\))\s*\}", r"\1", plain))
    if match := _LETTER.fullmatch(plain):
        return Option((match[1] or match[2]).upper(), "")
    match = _LABELLED.fullmatch(plain)
    if match is None:
        return None
    content = (match["content"] or match["inside"]).strip()
    if _OTHER.search(content):
        return None
    return Option((match["bracketed"] or match["capital"] or match["small"] or match["before"]).upper(), content)


def without_letter(other: str, text: str) -> str:
    """What the option `text` says, where the other side has no letter; `text` itself otherwise."""
    chosen = option(text)
    if chosen is None or not chosen.content or option(other) is not None:
        return text
    # `C (1, 2)` may be a point.
    point = "," in chosen.content and other.lstrip("$ ").startswith(("(", r"\left("))
    return f"({chosen.content})" if point else chosen.content


def _multiple_choice(gold: str, answer: str, question: str) -> bool | None:
    wanted, got = option(gold), option(answer)
    if wanted is None:
        return None
    if got is None:
        plain = clean.unwrapped(answer)
        several = len(re.findall(r"\([A-J]\)|(?<![A-Za-z])[A-J](?=[).:]|\s+\()", plain)) > 1
        bare = re.fullmatch(r"\(?([a-j])\)?", clean.key(answer))
        if bare and not wanted.content:
            return bare[1].upper() == wanted.letter
        return False if (several or _SENTENCE.fullmatch(plain)) and not wanted.content else None
    return got.letter == wanted.letter


def _several_choices(gold: str, answer: str, question: str) -> bool | None:
    pair = [_letters(text) for text in (gold, answer)]
    return None if pair[0] is None or pair[1] is None else pair[0] == pair[1]


def _letters(text: str) -> list[str] | None:
    """The letters chosen, sorted: `ACD`, `A, C and D`, `(A), (C)`; None where there is no more than one."""
    joined = clean.key(text)
    if _LETTERS.fullmatch(joined) and list(joined) == sorted(set(joined)):
        return list(joined)
    parts = [_LETTER.fullmatch(clean.key(part)) for part in _SEPARATOR.split(clean.unwrapped(text))]
    return sorted((part[1] or part[2]).upper() for part in parts if part) if len(parts) > 1 and all(parts) else None


_CIRCLED = re.compile(r"[①-⑳](?:(?:,|;|和|与|and)?[①-⑳])*")
_BRACKETED = re.compile(r"\(\d\)(?:(?:,|;|和|与|and)?\(\d\))+")


def _statements(gold: str, answer: str, question: str) -> bool | None:
    """Numbers of statements: `①③`, `(1)(3)`."""
    pair = [_numbered(text) for text in (gold, answer)]
    if pair[0] and pair[1]:
        return pair[0] == pair[1]
    # `(1)(2)(3)` of a gold is no product.
    return False if pair[0] and re.fullmatch(r"-?\d+", clean.key(answer)) and len(pair[0]) > 1 else None


def _numbered(text: str) -> set[str] | None:
    key = clean.key(text)
    if _CIRCLED.fullmatch(key):
        return {str(ord(mark) - ord("①") + 1) for mark in re.findall("[①-⑳]", key)}
    return set(re.findall(r"\d", key)) if _BRACKETED.fullmatch(key) else None


RULES = (
    Rule(
        "statements",
        _statements,
        accepts=[("①③", "③、①"), ("①②④", "①, ② and ④"), ("(1)(3)", "(1), (3)"), ("①③", "①和③"), ("①③", "(1)(3)")],
        refuses=[("①③", "①②"), ("①③", "①②③"), ("(1)(2)(3)", "6"), ("(1)(3)", "(1)(2)")],
        leaves=[("6", "(2)(3)"), ("75", "(15)(5)"), ("①", "1"), ("(1,3)", "(1)(3)")],
    ),
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
            ("(b)", "(b) 12"),
            ("(b)", "B"),
            ("B", "B (14)"),
        ],
        refuses=[
            ("A", "B"),
            ("(C)", r"\text{(D)}"),
            ("A", "C) 4"),
            ("B", "Option C"),
            ("(C) 12", "(D) 12"),
            ("A", "a man"),
            ("A", "(A) 12 (B) 13"),
            ("A", "A (12) or B (13)"),
        ],
        leaves=[("A", "12"), ("AB", "A"), ("B", "A, B"), ("(C) 12", "12"), ("x", "B"), ("14", "(B) 14")],
    ),
)
