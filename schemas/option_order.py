"""In which order a question shows its options: by seed and problem alone, so that right ones stand anywhere alike.

Where options speak of each other the order says something, and stays: an option such as `both A and C` names others by
letter, so that all keep their places; one such as `all of the above` stands behind the rest.
"""

import re
from collections.abc import Sequence

from hipo_data.schemas.gold import ChoiceGold
from hipo_data.schemas.keys import digest
from hipo_data.schemas.lettered_options import LETTERS

_LETTERS_ALONE = re.compile(
    r"(?:(?:both|neither|either|all\s+of|only|options?|answers?)\s+)*\(?[A-Z]\)?"
    r"(?:\s*(?:,|&|,?\s*(?:and|or|nor))\s*\(?[A-Z]\)?)+(?:\s+only|\s+are\s+\w+)?\.?",
    re.I,
)
_ABOVE = re.compile(
    r"\b(?:all|none|any|both|neither|two)\s+of\s+(?:the|these|those)\b|\bthe\s+above\b|\babove\s+are\b", re.I
)


def names_letters(option: str) -> bool:
    """Whether an option is other options by their letters."""
    return _LETTERS_ALONE.fullmatch(option.strip()) is not None


def shuffled(gold: ChoiceGold, run_seed: int, problem_id: str) -> ChoiceGold:
    """The gold with its options in `order`, and the letter that the right one gets by that."""
    places = order(gold.options, run_seed, problem_id)
    answer = LETTERS[places.index(LETTERS.index(gold.answer))]
    return ChoiceGold(options=[gold.options[place] for place in places], answer=answer)


def order(options: Sequence[str], run_seed: int, problem_id: str) -> list[int]:
    """Places of the options in the order to show them in; whatever order they come in, they end in the same one."""
    places = range(len(options))
    if any(map(names_letters, options)):
        return list(places)
    return sorted(
        places,
        key=lambda place: (
            _ABOVE.search(options[place]) is not None,
            digest(run_seed, "options", problem_id, options[place]),
        ),
    )
