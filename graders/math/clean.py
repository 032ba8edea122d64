"""How an answer is written, freed from what does not matter."""

import re
from functools import lru_cache

from hipo_data.graders.math import writing

_REMEMBERED = 4096
_RAISED = re.compile(r"<sup>([^<>]*)</sup>")
_LOWERED = re.compile(r"<sub>([^<>]*)</sub>")
_MARKUP = re.compile(r"<\|[a-z_]{1,40}\|>|</?(?:b|i|u|em|strong|answer|eo[eas])>|<br ?/?>")
_GROUPING = re.compile(r"(?<=\d)\s*(?:\{\s*,\s*\}|,\s*\\!)\s*(?=\d{3}(?!\d))")
_DELIMITERS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("`", "`"))
_SPACING = re.compile(r"(?<!\\)\\[!,;: >]|~|\\(?:quad|qquad|displaystyle|limits|hspace\{[^{}]*\})(?![a-zA-Z])")
_SIZING = re.compile(r"\\(?:left|right|bigg?|Bigg?)(?![a-zA-Z])[lr]?\.?(?![a-zA-Z])")
_FRACTIONS = re.compile(r"\\[dtc]frac(?![a-zA-Z])")
_SHORT_FRACTION = re.compile(
    r"\\frac\s*(?:([0-9a-z])\s*([0-9a-z])|\{([^{}]*)\}\s*([0-9a-z])|([0-9a-z])\s*\{([^{}]*)\})(?![}])"
)
_COLOUR = re.compile(
    r"\\(?:(?:text)?color(?:box)?\s*(?:\[[^\[\]]*\])?\{[^{}]*\}|underline(?![a-zA-Z]))\s*(?:\{([^{}]*)\})?"
)
_ABOUT = re.compile(
    r"^(?:\\(?:approx|simeq)(?![a-zA-Z])|(?:\\(?:text|mbox)\s*\{\s*)?(?:about|approximately|approx\.?|roughly)[\s~]*\}?)"
    r"\s*(?=[-\d.$\\])",
    re.I,
)
_WRAPPED = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|texttt|mathrm|mathbf|mathit|mbox|operatorname)\s*\{([^{}]*)\}"
)
_WORDS = re.compile(r"\\(?:text|mathrm|textrm|mbox)\s*\{([^{}]*)\}")
_BLANK = re.compile(r"\\[,;:! ]|~|\\q?quad(?![a-zA-Z])")
_ORNAMENT = re.compile(r"\\(?:(?:vec|overrightarrow|widehat)\s*\{|overline\s*\{(?=[A-Z]{2}))([A-Za-z]+)\}")
"""A line over a single letter is a mean or a conjugate."""
_OUTWARD = re.compile(r"([\[\]])([^\[\]{}()]+,[^\[\]{}()]+)([\[\]])")
_OR = re.compile(
    r"\\(?:text|mbox|textrm|mathrm)\s*\{\s*,?\s*(?:or|and)\s*\}|(?<=[\s\d$])(?:or|and)(?=[\s\d$-])"
    r"|(?<=[\s\d$)}])(?:和|或|及|以及)(?=[\s\d$(\\-])|(?<=[\d$)}])\s+(?:und|oder|et|ou|y|и|или)\s+(?=[\d$(\\])"
)


@lru_cache(maxsize=_REMEMBERED)
def tex(answer: str) -> str:
    """The answer as math-verify is to read it: no delimiters, spacing or sizing commands, plain fractions.

    "or" and "and" between alternatives become commas; final punctuation goes.
    """
    text = _ABOUT.sub("", undelimited(answer))
    text = _OR.sub(",", text)
    text = re.sub(r",\s*,", ",", text)
    text = _FRACTIONS.sub(r"\\frac", text)
    text = _SHORT_FRACTION.sub(_long_fraction, text)
    # The French way to write open intervals.
    if match := _OUTWARD.fullmatch(text):
        text = f"{'(' if match[1] == ']' else '['}{match[2]}{')' if match[3] == '[' else ']'}"
    return text


@lru_cache(maxsize=_REMEMBERED)
def undelimited(answer: str) -> str:
    """The answer without delimiters, spacing and sizing commands, and final punctuation, in plain characters."""
    text = writing.latex(answer).strip()
    if "<" in text:
        text = _MARKUP.sub("", _LOWERED.sub(r"_{\1}", _RAISED.sub(r"^{\1}", text))).strip()
    text = _COLOUR.sub(lambda match: match[1] or "", text)
    text = _GROUPING.sub(",", text)
    text = _SPACING.sub(lambda match: " " if match.group() in ("\\ ", "~", r"\quad", r"\qquad") else "", text)
    text = _SIZING.sub("", text)
    while (shorter := outside(text)) != text:
        text = shorter
    return text


def unwrapped(answer: str) -> str:
    """Like `tex`, without the commands that only set text in another face."""
    text = tex(answer)
    while (plainer := _WRAPPED.sub(r"\1", text)) != text:
        text = plainer
    return text


def words_apart(answer: str) -> str:
    """The answer as it came, with words that a command sets between blanks, and blanks for commands that make room."""
    return _BLANK.sub(" ", _WORDS.sub(r" \1 ", answer))


@lru_cache(maxsize=_REMEMBERED)
def key(answer: str) -> str:
    """The answer for comparison letter by letter: like `tex`, with text unwrapped and without any white space other
    than between digits.
    """
    return re.sub(r"(?<=\d)\s+(?=\d)", " ", re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", spaced_key(answer)))


def spaced_key(answer: str) -> str:
    """`key` with its blanks."""
    text = _ORNAMENT.sub(r"\1", unwrapped(answer))
    text = text.replace(r"^{\circ}", r"^\circ").replace(r"\leq", r"\le").replace(r"\geq", r"\ge")
    return re.sub(r"([_^])\{(\w)\}", r"\1\2", text)


def outside(text: str) -> str:
    """The text without its outermost pair of delimiters, box, or sign of punctuation; as it is where it has none."""
    text = text.strip()
    for opening, closing in _DELIMITERS:
        inner = text[len(opening) : -len(closing)]
        surrounded = text.startswith(opening) and text.endswith(closing) and len(text) >= len(opening) + len(closing)
        if surrounded and opening not in inner:
            return inner
    if match := re.fullmatch(r"\\(?:boxed|fbox)\s*\{(.*)\}", text, re.S):
        return match[1]
    if text.endswith((".", ",", ";", ":")) and not text.endswith(("..", r"\,", r"\;", r"\:")):
        return text[:-1]
    return text


def _long_fraction(match: re.Match[str]) -> str:
    first, second = [part for part in match.groups() if part is not None]
    return rf"\frac{{{first}}}{{{second}}}"
