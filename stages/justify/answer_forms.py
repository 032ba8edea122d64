"""The ways in which an answer may be written down, so that a text can be searched for it."""

import re
from collections.abc import Iterator
from fractions import Fraction

_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{(-?\d+)\}\s*\{(\d+)\}|(\d)\s*(\d))")
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mbox|mathbf|boxed|fbox)\s*\{([^{}]*)\}")
_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|\\,|\\!|,|[ \u00a0\u202f])(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_RATIO = re.compile(r"(-?\d+)\s*/\s*(\d+)")
_MOST_DECIMALS = 6


def answer_forms(answer: str) -> set[str]:
    """`answer` as it stands and as others would write it; none is empty.

    Without dollar signs, boxes, `\\text` and `x =`; fractions as `\\frac{a}{b}`, `a/b` and, where they end, decimals;
    thousands with and without separators; a percentage with `%`, `\\%` and `percent`.
    """
    plain = answer.strip().strip("$").strip()
    found = {plain}
    bare = plain
    while (unwrapped := _TEXT.sub(r"\1", bare)) != bare:
        bare = unwrapped
    bare = bare.strip().strip("$").rstrip(".").strip()
    found.add(bare)
    named = re.fullmatch(r"[A-Za-z]\s*=\s*([^=]+)", bare)
    if named:
        found.add(named[1].strip())
    for form in list(found):
        found.update(_numbers(form))
    return {form for form in found if form}


def _numbers(form: str) -> Iterator[str]:
    body, percent = re.subn(r"\s*(?:\\?%|percent)$", "", form)
    joined = _THOUSANDS.sub("", body)
    slashed = _FRACTION.sub(lambda m: f"{m[1] or m[3]}/{m[2] or m[4]}", joined)
    for number in dict.fromkeys([joined, slashed, *_values(slashed)]):
        yield from (f"{number}%", f"{number}\\%", f"{number} percent") if percent else (number,)
        if re.fullmatch(r"-?\d{4,}", number):
            yield f"{int(number):,}"


def _values(text: str) -> Iterator[str]:
    ratio = _RATIO.fullmatch(text)
    if ratio and int(ratio[2]):
        value = Fraction(int(ratio[1]), int(ratio[2]))
        sign, top, bottom = "-" if value < 0 else "", abs(value.numerator), value.denominator
        yield f"{sign}{top}/{bottom}"
        if bottom == 1:
            yield f"{sign}{top}"
        else:
            yield f"{sign}\\frac{{{top}}}{{{bottom}}}"
        decimals = next((d for d in range(1, _MOST_DECIMALS + 1) if 10**d % bottom == 0), None)
        if decimals is not None:
            yield f"{float(value):.{decimals}f}"
    elif _NUMBER.fullmatch(text) and "." in text:
        yield text.rstrip("0").rstrip(".")
