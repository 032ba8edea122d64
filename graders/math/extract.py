"""Finds the final answer in a response."""

import re

MAX_TEXT = 400_000
"""Characters at the end of a response that are searched."""
MAX_ANSWER = 5000

_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_EMPTY_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{\s*\}")
_JOINT = re.compile(
    r"[\s$.,;]*(?:\\\(|\\\)|\\quad)?\s*(?:,|;|&|and|or|\\text\s*\{\s*(?:and|or)\s*\})[\s$]*(?:\\\()?\s*(?:[a-zA-Z]\w?\s*=\s*)?"
)
_END = r"(?=\s*(?:\*\*)?(?:$|\n|\.\s|\.?\s*(?i:I hope)))"
_PHRASES = (
    re.compile(r"^\s*####\s*(?P<answer>\S.*?)\s*$", re.M),
    re.compile(r"^\s*A:\s*(?P<answer>\S.*?)\s*$", re.M),
    re.compile(r"(?i:final answer)(?:\*\*)?\s*(?i:is|=|:)(?:\*\*)?\s*:?\s*(?:\*\*)?(?P<answer>[^\n]*?\S)" + _END),
    re.compile(
        r"(?i:\banswer)(?:\*\*)?\s*(?i:is|are|would be|equals|=|:)(?:\*\*)?\s*:?\s*(?:\*\*)?(?P<answer>[^\n]*?\S)"
        + _END
    ),
    re.compile(r"(?i:\banswer\s*:)(?:\*\*)?\s*\n+\s*(?P<answer>[^\n]+?)\s*(?:\n|$)"),
)
_BLANKS = re.compile(r"[^\S\n]{2,}")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]?\n)+")
_ENVIRONMENTS = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|(?<!\\)\$([^$\n]+?)(?<!\\)\$|\\\((.+?)\\\)", re.S)
_NUMBER = re.compile(r"-?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?%?|-?\.\d+%?")
_WORD = re.compile(r"(?<![\\A-Za-z])(?!(?:and|or)\b)[A-Za-z]{2,}")
_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s*\{[^}]*\}")
_OPENING = re.compile(r"[A-Z][a-z']*\s+[a-z]")
_SHORT = 200
_GAP = 100
_TAIL = 20_000
"""Characters at the end that are searched for a formula: an unclosed one is looked for once from each opening."""


def final_answer(response: str) -> str | None:
    """The last answer that a response gives, as written; None where it gives none.

    The text after the last `</think>` counts. In it, the last boxed answer (several boxes joined by commas, "and" or
    "or" are one answer), unless "the final answer is", `A:` or `####` comes later; failing both, a short text as a
    whole unless it is a sentence with a number in it, then the last formula, then the last number.
    """
    _, closed, text = response.rpartition("</think>")
    if not closed and "<think>" in text:
        return None
    # Runs of blanks would otherwise be tried from each of their places.
    text = _BLANK_LINES.sub("\n\n", _BLANKS.sub(" ", text[-MAX_TEXT:])).strip()
    boxed, end = _last_box(text)
    phrase = _last_phrase(text if boxed is None else text[end:], anchored=boxed is not None)
    if phrase is not None:
        return phrase
    if boxed is not None:
        return boxed[:MAX_ANSWER]
    text = _EMPTY_BOX.sub("", text).strip()
    if len(text) <= _SHORT and "\n" not in text and not _is_sentence(text):
        return text or None
    return _last_formula(text)


def _is_sentence(text: str) -> bool:
    """Whether a short text, such as "I think it is 5.", holds an answer rather than being one."""
    words = len(_WORD.findall(_TEXT.sub("", text)))
    return bool(_NUMBER.search(text)) and words >= (2 if _OPENING.match(text) else 3)


def _last_box(text: str) -> tuple[str | None, int]:
    """The content of the last box and its end. Boxes that belong together come as one, joined by commas."""
    boxes: list[tuple[str, int, int]] = []
    for match in reversed(list(_BOX.finditer(text))[-50:]):
        content, end = _content(text, match.end())
        if content is None or not content.strip():
            continue
        if boxes and (boxes[0][1] - end > _GAP or not _JOINT.fullmatch(text[end : boxes[0][1]])):
            break
        boxes.insert(0, (content.strip(), match.start(), end))
    if not boxes:
        return None, -1
    contents = list(dict.fromkeys(content for content, _, _ in boxes))
    return ", ".join(contents), boxes[-1][2]


def _content(text: str, start: int) -> tuple[str | None, int]:
    if start >= len(text):
        return None, start
    if text[start] != "{":
        word = re.match(r"[^\s$\\.,]+", text[start:])
        return (word.group(), start + word.end()) if word else (None, start)
    depth = 0
    for position in range(start, min(len(text), start + MAX_ANSWER)):
        if text[position] == "{" and text[position - 1] != "\\":
            depth += 1
        elif text[position] == "}" and text[position - 1] != "\\":
            depth -= 1
            if depth == 0:
                return text[start + 1 : position], position + 1
    return None, start


def _last_phrase(text: str, anchored: bool) -> str | None:
    """What the last phrase such as "the answer is" says; with `anchored`, only the unmistakable ones count."""
    found = max(
        (
            (match.start(), match["answer"])
            for pattern in _PHRASES[: 3 if anchored else None]
            for match in pattern.finditer(text)
        ),
        default=None,
    )
    if found is None:
        return None
    answer = found[1].strip()[:MAX_ANSWER]
    if boxes := _last_box(answer)[0]:
        return boxes
    environments = _ENVIRONMENTS.findall(answer)
    if len(environments) == 1 and not re.search(r"\d", _ENVIRONMENTS.sub("", answer)):
        return str(next(part for part in environments[0] if part).strip())
    return str(answer.removesuffix(".")) or None


def _last_formula(text: str) -> str | None:
    environments = _ENVIRONMENTS.findall(text[-_TAIL:])
    if environments:
        return next((part.strip() for part in environments[-1] if part.strip()), None)
    numbers = _NUMBER.findall(text)
    return numbers[-1] if numbers else None
