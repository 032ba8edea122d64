"""The boxed answers of a response."""

import re

MAX_ANSWER = 5000
_LAST = 50
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*(?![A-Za-z])")
_GAP = 240
_BETWEEN = re.compile(
    r"(?<![A-Za-z])[a-zA-Z](?:_\{?\w+\}?)?\s*=(?!=)|\\text\s*\{[\s,;]*(?:and|or|und|et|y|e|i|и)?[\s,;:]*\}"
    r"|\\(?:quad|qquad|newline|hspace\{[^{}]*\})(?![a-zA-Z])|\\[ ,;:!()\[\]]"
    r"|(?<![A-Za-z])(?:and|or|und|et|y|и)(?![A-Za-z])|[\s$.,;&~*•\-–]|[、，；和或及]|\\\\(?:\[[^\]]*\])?|\d[.)]\s"
    r"|\\(?:begin|end)\{(?:aligned|align\*?|gathered|cases|itemize|enumerate)\}|\\item"
)
_PARTING = re.compile(
    r"[,;&•、，；和或及]|\\q?quad|\\\\|(?<![A-Za-z])(?:and|or|und|et|y|и)(?![A-Za-z])|\n\s*(?:[-*•]|\d[.)])"
)
_ROW = re.compile(r"[\s,;.$]*\\\\")
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}|\\text(?:rm|bf)?\s*\{[^{}]*[A-Za-z]{2}")


def last(text: str) -> tuple[str | None, int]:
    """The content of the last box and its end; (None, -1) where there is none.

    Boxes that belong together, joined by commas, "and", blanks, bullets or the rows of one display, come as one,
    joined by commas.
    """
    found: list[tuple[str, int, int]] = []
    for match in reversed(list(_BOX.finditer(text))[-_LAST:]):
        content, end = _content(text, match.end())
        if content is None or not content.strip():
            continue
        if found and not _belong_together(text[end : found[0][1]] if found[0][1] - end <= _GAP else None):
            break
        found.insert(0, (content.strip(), match.start(), end))
    if not found:
        return None, -1
    contents = list(dict.fromkeys(content for content, _, _ in found))
    return ", ".join(contents)[:MAX_ANSWER], found[-1][2]


def _belong_together(between: str | None) -> bool:
    if between is None:
        return False
    if _ROW.match(between) and not _PROSE.search(between):
        return True
    return bool(_PARTING.search(between)) and not _BETWEEN.sub("", between).strip()


def _content(text: str, start: int) -> tuple[str | None, int]:
    if start >= len(text):
        return None, start
    if text[start] != "{":
        word = re.match(r"[^\s$\\.,]+", text[start : start + _GAP])
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
