"""The answer that a short trial gave."""

import re

from hipo_data.graders.math.extract import final_answer

_BOX = re.compile(r"\\boxed\s*\{[^{}]*\}")


def trial_answer(text: str, cut: bool) -> str | None:
    """As `graders.math` finds it, without white space; null where there is none.

    Args:
        text: with the opening that it was given.
        cut: whether it ran into its limit, so that only what stands in a closed box is sure to be whole.
    """
    if cut and not _BOX.search(text):
        return None
    found = final_answer(text)
    return None if found is None else "".join(found.split()) or None
