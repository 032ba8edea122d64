"""What a justification must not do. Each check gives a code, or null where it has nothing to object to."""

import re
from collections.abc import Collection, Iterator, Sequence

from hipo_data.graders.math.extract import final_answer
from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.schemas.config import JustifyConfig
from hipo_data.schemas.gold import ChoiceGold, MathGold, ProgramGold
from hipo_data.schemas.records import Decision, FinishReason, Problem, Rollout
from hipo_data.stages.justify.answer_forms import answer_forms
from hipo_data.stages.justify.argued_mode import argued_mode
from hipo_data.stages.justify.claimed_results import wrong_claim
from hipo_data.stages.justify.copied_prompt import copies_prompt
from hipo_data.stages.justify.copied_runs import copies, is_unspaced
from hipo_data.stages.justify.stated_counts import states_counts

_LETTERS = re.compile(r"[^\W\d_]{2,}")
_COPIED_WORDS = 8  # as many words in a row as the solution is a copy, not a coincidence
_COPIED_CHARACTERS = 16  # about as much in a script that puts no spaces between words
_EVERYDAY = {"yes", "no", "true", "false", "none", "all", "both", "neither", "even", "odd"}
_PRESENTED = r"(?:[({$=:]|\b(?:is|are|answer|option|choice|namely|be|ist|lautet|antwort)\b|是|为|选)\s*[\"'“({$]*"
_MIN_CODE_CHARS = 10  # shorter lines of a program, such as `else:`, are anybody's
_WORDS_OF_ANSWER = 3  # more of them are a sentence or a program, which the other checks know

JUDGED_BY = {
    *("n_on", "right_on", "p_on", "p_on_low", "p_on_high", "n_off", "right_off", "p_off", "p_off_low", "p_off_high"),
    *("margin", "delta"),
}
"""Fields of decisions that the checks read."""


def objection(
    text: str,
    finish_reason: FinishReason,
    problem: Problem,
    decision: Decision,
    prompt: str,
    kept: Sequence[Rollout],
    config: JustifyConfig,
    tags: Collection[str] = HIPO.tags,
    above: Decision | None = None,
) -> str | None:
    """The first objection to `text` as the justification of the mode of `kept`, or null.

    Args:
        decision: that of the problem.
        prompt: what the justifier was asked, as text.
        kept: at least one response to the problem, all of one mode.
        above: over arms, what came of those above the kept one (`dearer_arm`).

    `truncated`, `empty`, `too_short`, `too_long`, `has_tag`, `argues_other_mode` (its last claim decides for the other
    one), `leaks_answer` (says a gold or a kept response's final answer, in any of its forms, that the question does not
    say), `leaks_solution` (repeats eight words in a row of a response, or a line of a program), `copies_prompt`
    (repeats an instruction), `states_counts` (says a pass rate, a number of attempts or of tokens),
    `claims_unmeasured` (says what came of a mode that has no graded rollouts), `contradicts_counts` (says how often a
    mode is right, and the decision's numbers say the opposite).
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
    if argued_mode(text, config.language) is kept[0].mode.base.other:
        return "argues_other_mode"
    if any(_contains(text, form) and not _contains(problem.question, form) for form in _answers(problem, kept)):
        return "leaks_answer"
    if isinstance(problem.gold, ChoiceGold) and _names_right_option(text, problem.gold):
        return "leaks_answer"
    if any(_repeats(text, problem, solution) for solution in _solutions(problem, kept)):
        return "leaks_solution"
    if copies_prompt(text, prompt, problem.question):
        return "copies_prompt"
    if states_counts(text, problem.question, decision):
        return "states_counts"
    return wrong_claim(text, config.language, decision, above)


def _answers(problem: Problem, kept: Sequence[Rollout]) -> set[str]:
    if isinstance(problem.gold, ProgramGold):
        return set()
    finals = (final_answer(rollout.answer) for rollout in kept if rollout.answer)
    brief = {final for final in finals if final and len(_LETTERS.findall(final)) <= _WORDS_OF_ANSWER}
    golds = problem.gold.answers if isinstance(problem.gold, MathGold) else ()
    letter = {problem.gold.answer} if isinstance(problem.gold, ChoiceGold) else set()
    written = brief | set(golds) | letter
    return {form for answer in written for form in answer_forms(answer)}


def _names_right_option(text: str, gold: ChoiceGold) -> bool:
    """Whether a text says what the right option does and no other one: all of them stand in the question."""
    said = [option for option in gold.options if len(option) > 1 and _contains(text, option)]
    return gold.right in said and all(option in gold.right for option in said)


def _contains(text: str, answer: str) -> bool:
    """Whether `answer` stands in `text` by itself: 12 does not stand in 3.12, 112 or 12/5.

    A letter or an everyday word, such as the A of a choice or "no", has to be presented as an answer: "is A", "(A)".
    """
    if len(answer) == 1 and answer.isascii() and answer.isalpha():
        return re.search(rf"{_PRESENTED}{answer}(?!\w)", text, re.ASCII) is not None
    text, answer = text.lower(), answer.lower()
    if is_unspaced(answer):
        return answer in text
    # What ends in a sign, as 50% does, may be followed by anything. Only ASCII counts as part of a word, since other
    # scripts put no space between a number and a word.
    ends = r"(?!\w|[.,/]\w)" if re.match(r"\w", answer[-1]) else ""
    if answer in _EVERYDAY:
        said = rf"(?:[({{$=:]|\banswer\s+is\b)\s*{answer}\b|\b(?:is|are)\s+{answer}\s*(?:[.,;:!?)]|$)"
        return re.search(said, text) is not None
    return re.search(rf"(?<![\w.,/-]){re.escape(answer)}{ends}", text, re.ASCII) is not None


def _solutions(problem: Problem, kept: Sequence[Rollout]) -> Iterator[tuple[str, str]]:
    """Prose, and a program or what may hold one."""
    for rollout in kept:
        yield f"{rollout.reasoning or ''}\n{rollout.answer or ''}", rollout.answer or ""
    if isinstance(problem.gold, ProgramGold) and problem.gold.reference:
        yield problem.gold.reference, problem.gold.reference


def _repeats(text: str, problem: Problem, solution: tuple[str, str]) -> bool:
    prose, program = solution
    if copies(text, prose, problem.question, _COPIED_WORDS, _COPIED_CHARACTERS):
        return True
    lines = {line.strip() for line in program.splitlines()}
    return any(
        len(line) >= _MIN_CODE_CHARS and line in text and line not in problem.question and not line.startswith("```")
        for line in lines
    )
