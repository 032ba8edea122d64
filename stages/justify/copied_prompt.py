"""Whether a justification repeats what the prompt tells the justifier to do, in place of doing it."""

import re

from hipo_data.stages.justify.copied_runs import copies, says

_WORDS, _CHARACTERS = 9, 12
# A whole instruction is a copy at a shorter length: "Do not argue for thinking first." Statements of the mode, such as
# "It will answer at once.", are shorter still, and may be said.
_SENTENCE_WORDS, _SENTENCE_CHARACTERS = 6, 8
_SENTENCE_END = re.compile(r"[.:;!?](?:\s|$)|[。：；！？，]|\n")


def copies_prompt(text: str, prompt: str, question: str) -> bool:
    """Whether `text` says a whole sentence, or nine words in a row, of `prompt` that are not the question's."""
    if copies(text, prompt, question, _WORDS, _CHARACTERS):
        return True
    return any(
        says(text, sentence, _SENTENCE_WORDS, _SENTENCE_CHARACTERS)
        and not says(question, sentence, _SENTENCE_WORDS, _SENTENCE_CHARACTERS)
        for sentence in _SENTENCE_END.split(prompt)
    )
