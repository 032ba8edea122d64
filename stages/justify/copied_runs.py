"""Runs of words, or of characters in a script without spaces, that one text copies from another."""

import re
from collections.abc import Iterator

_WORD = re.compile(r"\w+(?:[./]\w+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")


def is_unspaced(text: str) -> bool:
    """Whether some of it is in a script that puts no spaces between words."""
    return _UNSPACED.search(text) is not None


def copies(text: str, source: str, question: str, words: int, characters: int) -> bool:
    """Whether `text` repeats so many words or unspaced characters in a row of `source` that `question` lacks.

    Case and punctuation between words do not count.
    """
    # A source can be long, and a justification is short: its runs are looked for, not compared with all there are.
    asked, written = _spaced(question), _spaced(source)
    return any(run in written and run not in asked for run in _runs(text, words, characters))


def says(text: str, sentence: str, words: int, characters: int) -> bool:
    """Whether `text` has all of `sentence`, one of at least so many words or unspaced characters."""
    said, stretches = _WORD.findall(sentence.lower()), _UNSPACED.findall(sentence)
    long_enough = len(said) >= words or sum(map(len, stretches)) >= characters
    if stretches:
        return long_enough and all(stretch in text for stretch in stretches)
    return long_enough and f" {' '.join(said)} " in _spaced(text)


def _spaced(text: str) -> str:
    """The words of `text`, each between two spaces, and what is written without spaces as it stands."""
    return f" {' '.join(_WORD.findall(text.lower()))} \n" + "\n".join(_UNSPACED.findall(text))


def _runs(text: str, words: int, characters: int) -> Iterator[str]:
    """What would be a copy where it stands in another text's `_spaced`."""
    said = _WORD.findall(text.lower())
    for at in range(len(said) - words + 1):
        yield f" {' '.join(said[at : at + words])} "
    for stretch in _UNSPACED.findall(text):
        for at in range(len(stretch) - characters + 1):
            yield stretch[at : at + characters]
