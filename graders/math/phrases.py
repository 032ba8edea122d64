"""Phrases that announce an answer, in the languages that models write."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hipo_data.graders.math import boxes, formulas

_BOLD = r"(?:\*\*|__|\*)?"
_COLON = r"\s*[:：]"
_EUROPEAN = (
    r"(?:antwort|endergebnis|lösung)\s*(?:ist|lautet|beträgt|sind|:)",
    r"(?:réponse|résultat)(?:\s+(?:finale?|correcte))?\s*(?:est|sont|:)",
    r"(?:respuesta|solución)(?:\s+(?:final|correcta))?\s*(?:es|son|:)",
    r"resposta(?:\s+(?:final|correta))?\s*(?:é|são|:)",
    r"risposta(?:\s+(?:finale|corretta))?\s*(?:è|sono|:)",
    r"(?:ответ|відповідь|отговор)(?:\s+на\s+задачу)?\s*(?:[:—–-]|равен|есть|будет|є)",
    r"odpowied(?:ź|zią)(?:\s+końcowa)?\s*(?:to|jest|brzmi|:)",
    r"(?:antwoord)\s*(?:is|:)|svar(?:et)?\s*(?:är|er|:)|vastaus\s*(?:on|:)|cevap\s*:|odpověď\s*(?:je|:)|válasz\s*:",
    r"răspuns(?:ul)?(?:\s+final)?\s*(?:este|:)|đáp\s+(?:án|số)\s*(?:là|:)|jawaban(?:nya)?(?:\s+akhir)?\s*(?:adalah|:)",
    r"(?:απάντηση)\s*(?:είναι|:)|(?:الإجابة|الجواب)(?:\s+النهائية?)?\s*(?:هي|هو|:)|(?:התשובה)\s*(?:היא|:)|उत्तर\s*(?:है|[:=])",
)
_EASTERN = (
    r"【\s*(?:最终|最終|参考|正确)?\s*答\s*案\s*】\s*[:：]?",
    r"(?:答案|答え|解答|正解|最终结果)\s*(?:应该?)?\s*(?:是|为|為|は|等于|[:：=])",
    r"(?<![一-鿿])(?:答|故选|故填|故选择|应选)\s*[:：]|故选\s*(?=[A-J(（])",
    r"(?:정답|최종\s*답|답)\s*(?:은|는|이)?\s*[:：]?(?=\s*[\d$\\(\-A-J√])",
)
_ENGLISH = (
    r"(?:answer|final result)(?:\s*\([^()\n]{1,30}\))?"
    rf"{_BOLD}\s*(?:is|are|would\s+be|will\s+be|should\s+be|must\s+be|equals|=|{_COLON}){_BOLD}\s*:?"
)
_ANNOUNCES = re.compile(
    rf"(?:\b{_ENGLISH}|(?:^|(?<=[\s*_#(]))(?:{'|'.join(_EUROPEAN)})|{'|'.join(_EASTERN)}){_BOLD}[ \t]*", re.I
)
_LABELS = re.compile(r"^[ \t]*(?:####|A:|#+\s*(?:final\s+)?answer\s*$)[ \t]*", re.M | re.I)
_TAG = re.compile(r"<answer>(.{1,2000}?)</answer>", re.S)
_SENTENCE_END = re.compile(r"(?:[.!?](?=\s)|[。！])(?!\s*\d+\s*$)")
_BEFORE = re.compile(
    r"^(?:(?:therefore|thus|hence|then|simply|just|exactly|given\s+by|equal\s+to|option|choice|indeed|now|clearly|obviously|only"
    r"|approximately|about|roughly)\b[\s,:]*|[:=：]\s*|\*\*|[\"“”'`])+",
    re.I,
)
_CLAUSE = re.compile(
    r"[\s,;.(]*(?<![A-Za-z\\])(?:since|because|as|which|where|when|whenever|so|hence|therefore|thus|due\s+to|given\s+that|I\s+hope"
    r"|if|for\s+(?:any|all|some|every)|by\s+the|after|obtained|achieved|attained|weil|da|car|parce|porque|так\s+как)(?![A-Za-z]).*$"
    r"|,\s*not\s.*$|\s*(?:です|である|となります|になります|입니다|이다|だ)[。.]?\s*$",
    re.S,
)
_NEGATED = re.compile(r"\b(?:not|never|neither|isn't|cannot)\b", re.I)
_REMARKS = frozenset((
    "correct", "right", "wrong", "incorrect", "verified", "confirmed", "consistent", "reasonable", "valid",
    "invalid", "unique", "positive", "negative", "exact", "approximate", "clear", "obvious", "independent",
    "expected", "based", "derived", "obtained", "found", "shown", "below", "above", "as", "also", "always", "in",
    "of", "to", "that", "what", "not", "unchanged", "simplified", "rounded", "written", "expressed",
    "given", "therefore", "already", "fully", "same", "provided", "consistent", "justified",
    "indeed", "now", "still", "both", "either", "richtig", "korrekt", "correcte", "correcta", "верный", "правильный",
)
)  # fmt: skip
QUALITIES = frozenset(("positive", "negative", "unique", "valid", "invalid"))
"""Remarks that may be all of an answer."""
_PROSE = 4
"""Words that make an answer a sentence about it, where the text goes on for `_MORE` characters."""
_MORE = 80
_LAST_VALUE = re.compile(r"(?:\b(?:is|are|equals?|be|of)|=|:)\s*[^\sA-Za-z][^A-Za-z]*$|\$[^$]*\$\W*$")
_MOST = 200
"""Phrases that are looked at, from the end."""
_MARKS = re.compile(r"[\s*_`$()\[\]{}.,:;!\"'“”]+")


class Announced(NamedTuple):
    """What a phrase announces, where the phrase starts, and whether that is only a remark about the answer."""

    start: int
    answer: str
    remark: bool


def announced(text: str) -> Iterator[Announced]:
    """What the phrases of `text` announce, from the last one to the first."""
    places = {match.end(): match.start() for match in _LABELS.finditer(text)}
    for match in _ANNOUNCES.finditer(text):
        places.setdefault(match.end(), match.start())
    tags = {match.start(1): match for match in _TAG.finditer(text)}
    for end in sorted({*places, *tags}, reverse=True)[:_MOST]:
        said = tags[end][1].strip() if end in tags else _said(text, end)
        if said:
            answer = _answer(said)
            if answer:
                remark = _is_remark(answer, goes_on=len(text) - end > len(said) + _MORE)
                yield Announced(tags[end].start() if end in tags else places[end], answer, remark)


def _said(text: str, start: int) -> str:
    """The rest of the line behind a phrase, or the next line that says something; a display as a whole."""
    at = start
    while at < len(text) and text[at] in " \t\n*_:：#":
        at += 1
    if text.startswith(("$$", r"\[", r"\begin{"), at):
        found = next(iter(formulas.formulas(text[at : at + boxes.MAX_ANSWER])), None)
        if found is not None and found.start == 0:
            return found.text
    end = text.find("\n", at)
    return text[at : len(text) if end < 0 else end][: boxes.MAX_ANSWER].strip()


def _answer(said: str) -> str:
    if boxed := boxes.last(said)[0]:
        return boxed
    said = _first_sentence(said.replace("§", " "))
    found = formulas.formulas(said)
    outside = said
    for formula in reversed(found):
        outside = outside[: formula.start] + "§" * (formula.end - formula.start) + outside[formula.end :]
    # Clauses are looked for outside of formulas.
    if (clause := _CLAUSE.search(outside)) and _MARKS.sub("", outside[: clause.start()]):
        said, outside = said[: clause.start()], outside[: clause.start()]
    if prefix := _BEFORE.match(outside):
        said, outside = said[prefix.end() :], outside[prefix.end() :]
    inside = formulas.formulas(said)
    alone = len(inside) == 1 and not re.search(r"\d", outside) and not _NEGATED.search(outside)
    if alone and not re.search(r"[A-J]\b\)?\s*[(:.]?\s*§|^\s*\(?[A-Ja-j]\)", outside):
        return inside[0].text
    return re.sub(r"[\s.。!]+$", "", re.sub(r"^[\s*_`\"“]+|[\s*_`\"”]+$", "", re.sub(r"[\s.。!*]+$", "", said)))


def _first_sentence(said: str) -> str:
    """`said` up to the end of its first sentence, which ends neither in a formula nor behind an option's letter."""
    spans = [(formula.start, formula.end) for formula in formulas.formulas(said)]
    for match in _SENTENCE_END.finditer(said):
        inside = any(start <= match.start() < end for start, end in spans)
        if not inside and not re.fullmatch(r"[\s*(]*[A-Ja-j\d]", said[: match.start()]):
            return said[: match.start()]
    return said


def _is_remark(answer: str, goes_on: bool) -> bool:
    words = [word for word in _MARKS.split(answer) if word]
    prose = [word for word in words if re.fullmatch(r"[A-Za-z'-]{3,}", word)]
    if (
        goes_on
        and len(prose) >= _PROSE
        and not re.match(r"\(?[A-Ja-j]\)|[A-J]\b", answer)
        and _LAST_VALUE.search(answer) is None
    ):
        return True
    if not words or words[0].lower() not in _REMARKS or len(words[0]) == 1:
        return False
    return not re.search(r"\d|[=\\√]", answer)
