"""Letters of options in an answer: alone, before what the option says, or several of them."""

import re
from typing import NamedTuple

from hipo_data.graders.choice.texts import plain
from hipo_data.schemas.lettered_options import LETTERS

_NAMED = re.compile(
    r"(?:(?:so|thus|hence|therefore)[\s,:]+)?(?:(?:the|die|my)\s+)?(?:final\s+|correct\s+|right\s+|best\s+|richtige\s+)?"
    r"(?:option|choice|answer|statement|antwort|letter)\s*(?:is|ist)?\s*:?\s*(?=[(\[]?[A-Za-z](?![A-Za-z]))"
    r"|(?:选项|选择|选|答案)\s*(?:是|为)?\s*[:：]?\s*",
    re.I,
)
_ALONE = re.compile(r"(?P<mark>[(\[{]?)\s*(?P<letter>[A-Za-z])\s*(?P<end>[)\]}]?[.):]?)")
_LABELLED = re.compile(
    r"(?:[(\[](?P<bracketed>[A-Za-z])[)\]][\s.:,-]*|(?P<capital>[A-Z])\s*(?:[.):]|\s[-–—=]\s)\s*|(?P<small>[a-z])\)\s*)"
    r"(?P<content>\S.*)|(?P<before>[A-Z])\s*\((?P<inside>.+)\)",
    re.S,
)
_AND = re.compile(r"\s*(?:,\s*(?:and|or|und|oder)\b|,|;|&|/|\band\b|\bor\b|\bund\b|\boder\b|和|或|、)\s*")
_RUN = re.compile(r"[A-Z]{2,}")

_POINTED = re.compile(
    r"(?:\b(?:option|choice|answer|choose|chose|select|pick|antwort)\b(?:\s+(?:is|ist|would\s+be|must\s+be|to\s+be))?"
    r"|选项?|答案[是为]?)\s*[:：]?\s*[(\[*]*(?P<after>[A-Z])(?![A-Za-z])[)\]*]*"
    r"|(?<![A-Za-z])[(\[*]*(?P<before>[A-Z])[)\]*]*\s+(?:is|ist)\s+(?:the\s+|die\s+)?"
    r"(?:correct|right|best|true|richtig|richtige)\b"
)
_DENIED = re.compile(
    r"\b(?:not|cannot|never|neither|nor|wrong|incorrect|false|unlikely|impossible|eliminated?|excluded?|ruled?\s+out|except|unless"
    r"|whether|which|nicht|kein\w*|falsch)\b|n['’]t\b|[不非错]",
    re.I,
)
_QUOTED = re.compile(r"[\"'“”‘’`]+")
_STANDING = re.compile(r"[(\[*]+([A-Z])[)\]*]+|(?<![A-Za-z])([B-HJ-Z])(?![A-Za-z'])")


class Letter(NamedTuple):
    """The place of the letter among all letters, whether marks such as brackets say that it is a letter, and what
    stands behind it."""

    place: int
    marked: bool
    content: str = ""


def unnamed(answer: str) -> str:
    """An answer without what only announces it, as `K` of `The answer is K.`"""
    text = plain(answer)
    named = _NAMED.match(text)
    return text[named.end() :] if named else text


def alone(answer: str) -> Letter | None:
    """The letter that an answer is, as `C`, `(c)`, `C.`, `'C'`, `Option C`; null for anything else."""
    text = plain(answer)
    named = _NAMED.match(text)
    match = _ALONE.fullmatch(_QUOTED.sub("", text[named.end() :] if named else text).strip())
    if match is None:
        return None
    marked = bool(named or match["mark"] or match["end"] or re.search(r"[A-Z][.)]\W*$", answer))
    return Letter(LETTERS.index(match["letter"].upper()), marked)


def labelled(answer: str) -> Letter | None:
    """The letter that an answer begins with, as `C. 5 m`, `(c) 5 m`, `C (5 m)`; null for anything else."""
    text = plain(answer)
    named = _NAMED.match(text)
    match = _LABELLED.fullmatch(text[named.end() :] if named else text)
    if match is None:
        return None
    letter = match["bracketed"] or match["capital"] or match["small"] or match["before"]
    return Letter(LETTERS.index(letter.upper()), True, (match["content"] or match["inside"]).strip())


def several(answer: str) -> list[int]:
    """Places of the letters where an answer is more than one of them: `A, C`, `A or C`, `(A) and (C)`, `ACD`."""
    text = plain(answer)
    if _RUN.fullmatch(text) and list(text) == sorted(set(text)):
        return [LETTERS.index(letter) for letter in text]
    parts = [alone(part) for part in _AND.split(text)]
    return [part.place for part in parts if part] if len(parts) > 1 and all(parts) else []


def pointed_at(text: str) -> int | None:
    """The letter that the last sentence with one calls the answer, as `Option C is correct`, `I choose C`; null where
    a sentence names two, or denies one."""
    for sentence in reversed(re.split(r"(?<=[.!?。！？])\s+|\n+", text.strip())):
        places = {LETTERS.index(match["after"] or match["before"]) for match in _POINTED.finditer(sentence)}
        if places:
            return places.pop() if len(places) == 1 and not _DENIED.search(sentence) else None
    return None


def denies(text: str) -> bool:
    """Whether a text says of something that it is not so."""
    return _DENIED.search(text) is not None


def mentioned(text: str) -> set[int]:
    """Letters that stand by themselves in a text, whatever is said of them."""
    return {LETTERS.index(match[1] or match[2]) for match in _STANDING.finditer(text)}
