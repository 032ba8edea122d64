"""Finds the final answer in a response."""

import re

from hipo_data.graders.math import boxes, formulas, options, phrases, statements
from hipo_data.graders.math.boxes import MAX_ANSWER

MAX_TEXT = 400_000
"""Characters at the end of a response that are searched."""

_EMPTY_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{\s*\}")
_BLANKS = re.compile(r"[^\S\n]{2,}")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]?\n)+")
_TOKENS = re.compile(r"<\|[a-z_]{1,40}\|>|<eo[a-z]>|</s>|<br ?/?>")
_NUMBER = re.compile(r"-?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?%?|-?\.\d+%?")
_WORD = re.compile(r"(?<![\\A-Za-z])(?!(?:and|or)\b)[A-Za-z]{2,}")
_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s*\{[^}]*\}")
_LEAD = re.compile(r"(?:[Hh]ence|[Tt]hus|[Ss]o|[Tt]herefore|[Tt]hen|With|We|Since|It|Finally|This|That)\b[\s,]")
_OPENING = re.compile(r"[A-Z][a-z']*\s+[a-z]")
_SHORT = 200
_TAIL = 20_000
_OPTION = r"\(?[A-Ja-j]\)?(?:[.):]?\s.{1,80})?"
_NEGATED = re.compile(r"\b(?:not|or|wrong|incorrect|least|most|than)\b", re.I)
_AFTER_CHINESE = re.compile(
    r"[一-鿿]{2}(?<!根号)(?<![不非或]是)(?<!不等于)[：:，]?\s*([^一-鿿，。；]*[=\d][^一-鿿，。；]*)[。.]?$"
)
_PLAIN_ANSWER = re.compile(
    rf"{_OPTION}|[-+]?[\\$]{{0,2}}[\d.]\S*(?:\s*[A-Za-z%°/\\^{{}}\d²³]+){{0,3}}|[^A-Za-z]*|.*[\\=√].*|\S+(?:\s\S+){{0,2}}",
    re.S,
)


def final_answer(response: str) -> str | None:
    """The last answer that a response gives, as written; None where it gives none."""
    return found(response)[0]


def found(response: str) -> tuple[str | None, bool]:
    """The last answer that a response gives, and whether it is only the value of its last statement.

    The text after the last `</think>` counts. In it, the last boxed answer (boxes that belong together are one answer),
    unless "the final answer is" or another such phrase says something else later; failing both, a short text as a whole
    unless it is a sentence with a number in it; then the value in the last statement, the last formula, the last
    number.
    Remarks about an answer, such as "The answer is correct.", are none.
    """
    _, closed, text = response.rpartition("</think>")
    if not closed and "<think>" in text:
        return None, False
    # Runs of blanks would otherwise be tried from each of their places.
    text = _TOKENS.sub("", _BLANK_LINES.sub("\n\n", _BLANKS.sub(" ", text[-MAX_TEXT:]))).strip()
    boxed, end = boxes.last(text)
    if boxed is not None:
        later = next(
            (said.answer for said in phrases.announced(text[end:][-_TAIL:]) if _counts_after_a_box(said)), None
        )
        return _value_of(later or boxed)[:MAX_ANSWER], False
    remark = None
    for said in phrases.announced(text):
        if not said.remark:
            return _value_of(said.answer)[:MAX_ANSWER], False
        remark = remark or said.answer
    text = _EMPTY_BOX.sub("", text).strip()
    if len(text) <= _SHORT and "\n" not in text and not _is_sentence(text):
        return text or None, False
    if remark and remark.lower() in phrases.QUALITIES:
        return remark, False
    answer = statements.value(text) or remark or _last_formula(text)
    return (answer[:MAX_ANSWER] if answer else None), True


def _counts_after_a_box(said: phrases.Announced) -> bool:
    return not said.remark and bool(_PLAIN_ANSWER.fullmatch(said.answer))


def _value_of(answer: str) -> str:
    """What a sentence in a box or behind a phrase says, as in "The largest n is 34"; other answers as they are."""
    if match := _AFTER_CHINESE.search(answer):
        return match[1].strip()
    inside = formulas.formulas(answer)
    outside = answer[: inside[0].start] if len(inside) == 1 else ""
    if outside.strip() and not re.search(r"\d", outside) and not answer[inside[0].end :].strip(" ."):
        return answer if _NEGATED.search(outside) or options.option(answer) else inside[0].text
    plain = re.sub(r"\\[ ,;]", " ", answer)
    if not _is_sentence(plain) or not (_OPENING.match(plain) or re.match(r"[a-z]{3,}\s+[a-z]", plain)):
        return answer
    match = re.search(r"\s(?:is|are|equals|be)\s+(?![a-z]{3,}\s)((?:(?!\b(?:is|are|or|and|not)\b).)*)$", plain)
    return match[1].strip() or answer if match else answer


def _is_sentence(text: str) -> bool:
    """Whether a short text, such as "I think it is 5.", holds an answer rather than being one."""
    if _LEAD.match(text):
        return bool(_NUMBER.search(text))
    words = len(_WORD.findall(_TEXT.sub("", text)))
    return bool(_NUMBER.search(text)) and words >= (2 if _OPENING.match(text) else 3)


def _last_formula(text: str) -> str | None:
    if inside := formulas.formulas(text[-_TAIL:]):
        return inside[-1].text
    numbers = _NUMBER.findall(text)
    return numbers[-1] if numbers else None
