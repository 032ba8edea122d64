"""What a justification must not do. Each check gives a code, or null where it has nothing to object to."""

import re
from collections.abc import Collection

from prompts.formats.hipo import HIPO
from schemas.config import JustifyConfig
from schemas.gold import MathGold
from schemas.records import FinishReason, Problem, Rollout

_WORD = re.compile(r"\w+(?:[./]\w+)*")
_COPIED_WORDS = 8  # as many words in a row as the solution is a copy, not a coincidence
_MIN_CODE_CHARS = 10  # shorter lines of a program, such as `else:`, are anybody's


def objection(
    text: str,
    finish_reason: FinishReason,
    problem: Problem,
    kept: Rollout,
    config: JustifyConfig,
    tags: Collection[str] = HIPO.tags,
) -> str | None:
    """The first objection to `text` as the justification of `kept`'s mode, or null.

    `truncated`, `empty`, `too_short`, `too_long`, `has_tag`, `leaks_answer` (says a gold that the question does not
    say), `leaks_solution` (repeats eight words in a row of the response, or a line of its program).
    """
    if finish_reason is FinishReason.LENGTH:
        return "truncated"
    if not text:
        return "empty"
    if len(text) < config.min_chars:
        return "too_short"
    if len(text) > config.max_chars:
        return "too_long"
    if any(tag in text for tag in tags):
        return "has_tag"
    if _says_answer(text, problem):
        return "leaks_answer"
    if _repeats_solution(text, problem, kept):
        return "leaks_solution"
    return None


def _says_answer(text: str, problem: Problem) -> bool:
    if not isinstance(problem.gold, MathGold):
        return False
    return any(
        _contains(text, answer) and not _contains(problem.question, answer)
        for answer in (answer.strip().strip("$").strip() for answer in problem.gold.answers)
        if answer
    )


def _contains(text: str, answer: str) -> bool:
    """Whether `answer` stands in `text` by itself: 12 does not stand in 3.12, 112 or 12/5."""
    return re.search(rf"(?<![\w.,/-]){re.escape(answer)}(?!\w|[.,/]\w)", text, re.IGNORECASE) is not None


def _repeats_solution(text: str, problem: Problem, kept: Rollout) -> bool:
    solution = f"{kept.reasoning or ''}\n{kept.answer or ''}"
    allowed = _runs(problem.question)
    if (_runs(text) & _runs(solution)) - allowed:
        return True
    lines = {line.strip() for line in (kept.answer or "").splitlines()}
    return any(
        len(line) >= _MIN_CODE_CHARS and line in text and line not in problem.question and not line.startswith("```")
        for line in lines
    )


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[at : at + _COPIED_WORDS]) for at in range(len(words) - _COPIED_WORDS + 1)}
