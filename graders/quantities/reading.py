r"""The value and unit of a quantity, as it is written: `6.02 \times 10^{23}\ \mathrm{mol^{-1}}`, `45\%`, `20 °C`."""

import re
from fractions import Fraction
from typing import NamedTuple

from hipo_data.graders.math import clean, units
from hipo_data.graders.math.expressions.nodes import UnreadableError
from hipo_data.graders.math.expressions.read import expression

LONGEST = 300
_EXPONENT_AT_MOST = 400


class Quantity(NamedTuple):
    """A value, the size of half a unit in its last place (null where it is exact), its significant digits (0 where it
    is exact), and its unit as text; empty where it has none."""

    value: Fraction
    half: Fraction | None
    digits: int
    unit: str


_SPACES = re.compile(r"\\[,;:!> ]|~|\\(?:q?quad|thinspace)(?![A-Za-z])|[\u2009\u202f\u00a0]")
_SIZED = re.compile(r"\\(?:SI|qty)(?:\[[^\]]*\])?\s*\{([^{}]*)\}\s*(?=\{)")
_NUMBER_COMMAND = re.compile(r"\\num(?:\[[^\]]*\])?\s*\{([^{}]*)\}")
_EQUALS = re.compile(r"=|\\(?:approx|simeq|cong|doteq|sim|equiv)(?![A-Za-z])|[≈≃≅]")
_FACE = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textrm|boldsymbol|bm|mathit|mbox)\s*\{(?P<inside>.*)\}", re.S)
_NUMBER_IN_FACE = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textrm|boldsymbol|bm|mbox)\s*\{\s*([+-]?\d[\d.,]*)\s*\}")
_ABOUT = re.compile(
    r"(?:about|approximately|approx\.?|roughly|around|ca\.|circa|\\text\{\s*(?:about|approximately)\s*\})\s*", re.I
)
_DIGITS = (
    r"0,\d+(?!\d)|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+(?:\.\d+)?(?!\d)|\d+,\d{1,2}(?!\d)|\d+(?:\.\d*)?|\.\d+"
)
_POWER = r"(?:\^\s*\{\s*(?P<{0}>[+-]?\d+)\s*\}|\^\s*(?P<{0}2>[+-]?\d+)|(?P<{0}3>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
_NUMBER = re.compile(
    r"\s*(?P<open>\(?)\s*(?P<sign>[+-]?)\s*"
    rf"(?:10\s*{_POWER.replace('{0}', 'ten')}"
    rf"|(?P<digits>{_DIGITS})(?:\s*(?:\\pm|±|\+/-)\s*(?:\d+(?:\.\d+)?))?\s*(?P<close>\)?)"
    rf"(?:\s*(?:\\times|\\cdot|×|·|⋅|\*|x)\s*10\s*{_POWER.replace('{0}', 'exponent')}|[eE](?P<scientific>[+-]?\d+))?)"
    r"\s*(?P<after>\)?)"
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_UNIT_FRACTION = re.compile(r"\s*\\[dt]?frac\s*\{\s*(?:1\s*\}\s*\{\s*)?\\(?:text|mathrm|rm)(?![A-Za-z])")
_OVER = re.compile(r"\s*(?:/\s*\d|/\s*\\|\(\s*[\d\\+-]|\\(?:sqrt|pi|frac|ln|log|sin|cos|tan|exp|e\b)|\^|!)")
"""What makes a number a part of an expression."""
_UNIT_FRACTION_PLAIN = re.compile(r"\s*\\[dt]?frac\s*\{([^{}\d\\]+)\}\s*\{((?:[^{}\d\\]|\^\s*\{?\s*[23]\s*\}?)+)\}")
_SPREAD = re.compile(r"\\pm(?![A-Za-z])|±|\+/-|\+-")
_BARE_UNIT = re.compile(r"(?<![\\A-Za-z{_^])[A-Za-zµΩ][A-Za-zµΩ/·*^{}()\d\s+-]*$")
"""What may be a unit behind an expression, with nothing that says so."""
_NAME = re.compile(
    r"(?:\\[Dd]elta(?![A-Za-z])\s*)?[|]?(?:\\(?:text|mathrm|vec)\s*\{[^{}]*\}|\\?[A-Za-z]+)"
    r"(?:\s*_(?:\{[^{}]*\}|\w))?(?:\s*\^\s*\{?\s*\\circ\s*\}?)?'*[|]?"
)
_UPRIGHT = re.compile(
    r"\\(?:text|mathrm|textrm|rm|mbox|operatorname|si|unit)(?![A-Za-z])|(?<=[\d})\s])°|\^\s*\{?\s*\\circ|\\?%"
)


def read(text: str) -> Quantity | None:
    """The quantity that an answer is; null for any other answer. Of `v = 3 m/s` it is the right side."""
    text = _outside(_SPACES.sub(" ", clean.outside(text.replace("−", "-"))).strip())
    if not text or len(text) > LONGEST:
        return None
    text = _NUMBER_COMMAND.sub(r"\1", _SIZED.sub(r"\1 \\si", text))
    text = _ABOUT.sub("", _EQUALS.split(text)[-1].strip())
    match = _NUMBER.match(text)
    if match is not None and (not _OVER.match(text, match.end()) or _is_unit_fraction(text, match.end())):
        found = _plain(match)
        rest = _SPREAD.split(text[match.end() :])[0].strip()
        if found is not None and not _is_more(rest):
            return found._replace(unit=rest)
    return _expression(text)


def is_equation(text: str) -> bool:
    """Whether a text says more than what a name is, as `x^2 + y^2 = 1` does and `v_0 = 3 m/s` does not."""
    left, equals, _ = _outside(_SPACES.sub(" ", text).strip()).partition("=")
    return bool(equals) and _NAME.fullmatch(left.strip()) is None


def upright_tail(text: str) -> tuple[str, str] | None:
    """An expression and what is set upright behind it; null where nothing is."""
    text = _outside(_SPACES.sub(" ", text).strip())
    upright = _UPRIGHT.search(text)
    if upright is None or not text[: upright.start()].strip():
        return None
    return text[: upright.start()].strip(), text[upright.start() :].strip()


def _outside(text: str) -> str:
    """The text without delimiters and faces around all of it, and numbers without their own."""
    text = _NUMBER_IN_FACE.sub(r"\1", text.replace("{,}", ",").replace("{10}", "10"))
    while True:
        shorter = clean.outside(text)
        face = _FACE.fullmatch(shorter)
        if face is not None and _is_balanced(face["inside"]):
            shorter = face["inside"].strip()
        if shorter == text:
            return text
        text = shorter


def _is_balanced(text: str) -> bool:
    """Whether no brace in a text closes one that stands before it."""
    depth = 0
    for sign in text:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


def _is_unit_fraction(text: str, at: int) -> bool:
    r"""Whether behind a number stands a fraction of units, as in `9.8 \frac{m}{s^2}`."""
    if _UNIT_FRACTION.match(text, at):
        return True
    plain = _UNIT_FRACTION_PLAIN.match(text, at)
    return plain is not None and all(units.is_known(part.strip()) for part in plain.groups())


def _plain(match: re.Match[str]) -> Quantity | None:
    brackets = (match["open"] or "", f"{match['close'] or ''}{match['after'] or ''}")
    if len(brackets[0]) != len(brackets[1]):
        return None
    named = [match[name] for name in match.re.groupindex if name.startswith(("ten", "exponent", "scientific"))]
    exponent = int(next((each for each in named if each), "0").translate(_RAISED))
    if abs(exponent) > _EXPONENT_AT_MOST:
        return None
    sign = -1 if match["sign"] == "-" else 1
    size = Fraction(10) ** exponent
    if match["digits"] is None:
        return Quantity(sign * size, None, 0, "")
    digits = _decimal(match["digits"])
    places = len(digits.partition(".")[2])
    shown = digits.replace(".", "").lstrip("0")
    inexact = "." in digits or exponent != 0
    half = size * Fraction(1, 2 * 10**places) if inexact else None
    return Quantity(sign * Fraction(digits) * size, half, len(shown) if inexact else 0, "")


def _decimal(digits: str) -> str:
    digits = digits.replace(" ", "")
    if re.fullmatch(r"0,\d+|\d+,\d{1,2}", digits):
        return digits.replace(",", ".")
    return digits.replace(",", "").rstrip(".")


def _is_more(rest: str) -> bool:
    """Whether what stands behind a number makes it another one, or a list."""
    return rest.startswith((",", ";", "+", "-", "<", ">")) or units.changes_the_number(rest)


def _expression(text: str) -> Quantity | None:
    """An exact value, as `2\\pi` or `\\frac{3}{4}`, with what is set upright, or is no part of it, behind it."""
    if _SPREAD.search(text):  # of `±2` neither value is the answer
        return None
    upright, bare = _UPRIGHT.search(text), _BARE_UNIT.search(text)
    for at in (upright.start() if upright else len(text), bare.start() if bare else 0):
        found = _value(text[:at])
        rest = text[at:].strip()
        if found is not None and not _is_more(rest):
            return Quantity(found, None, 0, rest)
    return None


def _value(text: str) -> Fraction | None:
    from hipo_data.graders.math.expressions.same import value  # brings mpmath, which most processes never need

    try:
        return value(expression(clean.tex(text)))
    except UnreadableError:
        return None
