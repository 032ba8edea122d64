"""The answer that prose ends with: the value in its last statement."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hipo_data.graders.math import formulas

_TAIL = 20_000
"""Characters at the end that are searched."""
_SENTENCES = 6
_NEAR = 40
"""Characters before a value that say how it is meant."""
_END = re.compile(r"(?:[.!?](?=\s|$|\*)|[。！？])\s*|\n+")
_ENDINGS = (r"\blacksquare", r"\square", r"\qed", r"\Box", "QED", "Q.E.D", "$$", "**")
_NUMBER = (
    r"(?<![\w.,\\^_])-?(?:\\?\$\s?)?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?(?:\s?\\?%)?(?![\w^_]*\\?[({=])"
    r"|(?<![\w.])-?\.\d+\\?%?"
)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_SAYS = (
    r"(?:is|are|was|were|be|equals?|equal\s+to|becomes?|=|:|是|为|等于|lautet|ist|beträgt|est|es|è|é"
    r"|равен|равна|равно|は)"
)
_ADVERB = (
    r"(?:therefore|thus|then|hence|exactly|only|just|simply|at\s+most|at\s+least|indeed|also|now|precisely|clearly|equal\s+to|a\s+total\s+of"
    r"|about|approximately|given\s+by)"
)
_MEMBERS = re.compile(r"(?:\s*(?:,\s*(?:and\b|or\b)?|and\b|or\b)\s*§\d+§)+\W*")
"""Further formulas, up to the end of a sentence, in a list."""
_GOES_ON = re.compile(r"\s*(?:[-+*/=×÷^]|\\times|\\cdot)")
_SAYS_VALUE = re.compile(rf"(?<![\w\\]){_SAYS}\s*(?:{_ADVERB}[\s,:]+)*(?:§(?P<formula>\d+)§|(?P<number>{_NUMBER}))")
_THERE = re.compile(
    rf"\bthere\s+(?:is|are|were|was|will\s+be|must\s+be)\s+(?:{_ADVERB}\s+)*(?:§(\d+)§|({_NUMBER}))", re.I
)
_VALUE = re.compile(rf"§(?P<formula>\d+)§|(?P<number>{_NUMBER})")
_NOT = re.compile(r"(?:\bnot|n't|\bnever|不是|не)\s+(?:be\s+)?(?:equal\s+to\s+)?$", re.I)
_REMARK = re.compile(
    r"\W*(?:note|indeed|remark|recall|check|verif|i hope|we can check|it is easy to|one can check|this answer"
    r"|this is correct|the answer is correct|either)\b",
    re.I | re.S,
)
_GIVEN = re.compile(r"(?:\b(?:with|when|if|for|taking|setting|using|given|since)\W*)$", re.I)
_LEAD = re.compile(
    r"\W*(?:thus|hence|therefore|so|then|and|now|finally|we\s+(?:get|have|obtain)|giving|that\s+is)\b[\s,:]*", re.I
)
_WORD = re.compile(r"(?<![\\A-Za-z_^{])[A-Za-z]{3,}")
_PLAIN_WORDS = frozenset((
    "sqrt", "sin", "cos", "tan", "log", "exp", "max", "min", "gcd", "lcm", "mod", "deg", "cot", "sec", "csc",
    "arctan", "arcsin", "arccos", "pi", "inf",
)
)  # fmt: skip
_NAME = re.compile(r"\\?[A-Za-z]+(?:_\{?\w+\}?)?'?|[A-Z]{2,10}|[a-z]\([a-z]\)")


class _Sentence(NamedTuple):
    text: str
    """With `§n§` in place of its formulas."""
    formulas: tuple[str, ...]


def right_side(answer: str) -> str:
    """What an equation comes to that ends a text, such as `p+q=95`; there its left side is what was asked for."""
    sides = re.split(r"(?<![<>!:\\=])=(?!=)", answer)
    if len(sides) < 2 or "," in answer or re.search(r"[<>]|\\(?:le|ge|leq|geq|ne|neq|lt|gt)(?![a-z])", answer):
        return answer
    closed = [side for side in sides if not re.search(r"[A-Za-z]", re.sub(r"\\(?!alpha|beta|theta)[a-z]+", "", side))]
    return "=".join(closed) if closed and closed[-1] is sides[-1] else sides[-1]


def value(text: str) -> str | None:
    """The value that the last statement of `text` gives; None where its last statements give none."""
    remarks: list[str] = []
    for number, sentence in enumerate(_sentences(_without_ending(text[-_TAIL:].replace("§", " ")))):
        if number >= _SENTENCES:
            break
        found = _plain_formula(sentence) or _value(sentence)
        if found and _REMARK.match(sentence.text):
            remarks.append(found)
        elif found:
            return found
    return remarks[0] if remarks else None


def _without_ending(text: str) -> str:
    """The text without the sign that ends a proof."""
    while True:
        text = text.rstrip(" \t\n□■∎⬜.")
        ending = next((ending for ending in _ENDINGS if text.endswith(ending)), None)
        if ending is None or (ending in ("$$", "**") and text.count(ending) % 2 == 0):
            return text
        text = text.removesuffix(ending)


def _sentences(text: str) -> Iterator[_Sentence]:
    """The sentences of `text`, from the last to the first."""
    found = formulas.formulas(text)
    marked, at = [], 0
    for number, formula in enumerate(found):
        ended = re.search(r"\.\s*$", formula.text) is not None or formula.text.endswith("。")
        display = text[formula.start : formula.start + 2] in ("$$", r"\[", r"\b")
        marked += [text[at : formula.start], f"§{number}§", "\n" if display and ended else ""]
        at = formula.end
    marked.append(text[at:])
    for part in reversed(_END.split("".join(marked))):
        if part.strip():
            numbers = [int(number) for number in re.findall(r"§(\d+)§", part)]
            renumbered = re.sub(r"§(\d+)§", lambda match: f"§{numbers.index(int(match[1]))}§", part)  # noqa: B023
            yield _Sentence(renumbered, tuple(found[number].text for number in numbers))


def _plain_formula(sentence: _Sentence) -> str | None:
    """A line that is a formula without delimiters, such as `AD = h = 3 + 2√2`."""
    lead = _LEAD.match(sentence.text)
    text = sentence.text[lead.end() if lead else 0 :].strip(" \t*`")
    if sentence.formulas or not re.search(r"[=√⇒→]", text):
        return None
    words = [word for word in _WORD.findall(text) if word.lower() not in _PLAIN_WORDS and not word.isupper()]
    text = re.split(r"[⇒→]|=>", text)[-1].strip()
    if len(words) > (1 if text.startswith("=") or text.split("=")[0].strip().count(" ") else 0) or "$" in text:
        return None
    balanced = all(text.count(pair[0]) == text.count(pair[1]) for pair in ("()", "{}"))
    return text.removeprefix("=").strip() or None if balanced else None


def _value(sentence: _Sentence) -> str | None:
    text = sentence.text
    for bold in reversed(list(_BOLD.finditer(text))):
        inside = re.sub(r"[\s.,:]+$", "", bold[1])
        if match := _VALUE.fullmatch(inside.strip()):
            return _written(match, sentence)
        if re.search(r"[=\d]", inside) and not _WORD.search(inside):
            return re.sub(r"§(\d+)§", lambda match: sentence.formulas[int(match[1])], inside)
    text = text.replace("**", "  ")
    there = _THERE.search(text)
    says = [match for match in _SAYS_VALUE.finditer(text) if not _is_name(match, sentence)]
    if there and not _GOES_ON.match(text, there.end()) and not (says and says[-1].start() > there.end()):
        return sentence.formulas[int(there[1])] if there[1] else _number(there[2])
    if says and (members := _MEMBERS.fullmatch(text, says[-1].end())) and says[-1]["formula"]:
        places = (says[-1]["formula"], *re.findall(r"§(\d+)§", members.group()))
        return ", ".join(sentence.formulas[int(place)] for place in places)
    if says:
        return _written(_equation_behind(says[-1], sentence) or says[-1], sentence)
    values = [
        match for match in _VALUE.finditer(text) if not _NOT.search(text[max(0, match.start() - _NEAR) : match.start()])
    ]
    valued = [match for match in values if not _is_name(match, sentence)]
    if not valued:
        return _written(values[-1], sentence) if values else None
    return _written(valued[-1], sentence)


def _equation_behind(says: re.Match[str], sentence: _Sentence) -> re.Match[str] | None:
    """The last equation behind what "is" says, which concludes more; not what is given "when x = 2"."""
    for match in reversed(list(_VALUE.finditer(sentence.text, says.end()))):
        formula = sentence.formulas[int(match["formula"])] if match["formula"] else ""
        near = sentence.text[max(0, match.start() - _NEAR) : match.start()]
        if "=" in formula and not re.search(r"\b(?:with|when|where|if|for|since|because|at|as)\b[^,;]*$", near):
            return match
    return None


def _is_name(match: re.Match[str], sentence: _Sentence) -> bool:
    return match["formula"] is not None and bool(_NAME.fullmatch(sentence.formulas[int(match["formula"])]))


def _written(match: re.Match[str], sentence: _Sentence) -> str:
    if match["formula"] is None:
        return _number(match["number"])
    formula = sentence.formulas[int(match["formula"])]
    if _GIVEN.search(sentence.text[max(0, match.start() - _NEAR) : match.start()]) and formula.count("=") > 1:
        # "With T = 650, k = 13": what is given comes first.
        return re.split(r",\s*(?=[^,=]+=)", formula)[-1]
    return formula


def _number(text: str) -> str:
    return text.replace("\\$", "").replace("$", "").strip()
