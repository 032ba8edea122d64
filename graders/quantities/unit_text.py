r"""How units are written, in LaTeX, in siunitx, or plainly: as products of names and powers, whatever the names mean.

`m\,s^{-1}`, `\mathrm{m}/\mathrm{s}`, `\si{\metre\per\second}`, `metres per second` and `m s⁻¹` are the same. Some
can be read in two ways, which are both given: `J/mol K` by the bar alone or as most people mean it, `ms^{-1}` as a
prefix or as two units.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple


class Product(NamedTuple):
    """`scale` times the units by name, each with its power."""

    scale: Fraction
    powers: tuple[tuple[str, int], ...]

    @property
    def single(self) -> str | None:
        """The unit where there is one alone, to the power of one."""
        return self.powers[0][0] if len(self.powers) == 1 and self.powers[0][1] == 1 else None


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_SIGNS = (
    (re.compile(r"\\?\$"), " "),
    (re.compile(r"\\(?:si|unit)(?:\[[^\]]*\])?(?=\s*\{)"), ""),
    (re.compile(r"\^\s*\{?\s*(?:\\circ|\\degree|∘)\s*\}?|\\degree(?![A-Za-z])|°|º"), " deg "),
    (re.compile(r"\bdeg(?:rees?)?\s*\\?(?:text|mathrm|rm)?\s*\{?\s*([CF])\}?(?![A-Za-z])"), r" deg\1 "),
    (re.compile("℃"), " degC "),
    (re.compile("℉"), " degF "),
    (re.compile(r"\\(?:celsius|degreeCelsius)(?![A-Za-z])|\bdegrees?\s+(?:Celsius|centigrade)\b", re.I), " degC "),
    (re.compile(r"\bdegrees?\s+Fahrenheit\b", re.I), " degF "),
    (re.compile(r"\\(?:rm|bf)(?![A-Za-z])"), " "),
    (re.compile(r"\\(?:left|right|bigl?|bigr?|Bigl?|Bigr?)(?![A-Za-z])"), ""),
    (re.compile(r"\\(?:cdot|times|ast)(?![A-Za-z])|[·⋅×∙]|\\cdotp"), " * "),
    (re.compile(r"\\(?:mu|micro|text(?:mu|micro))(?![A-Za-z])\s*|[\u03bc]"), "\u00b5"),
    (re.compile(r"\\(?:Omega|ohm)(?![A-Za-z])|[\u2126]"), "Ω"),
    (re.compile(r"\\(?:AA|angstrom|r\{?A\}?)(?![A-Za-z])|\u212b|Å"), "angstrom "),
    (re.compile(r"\\?%|\bpercent\b|\\percent(?![A-Za-z])"), " percent "),
    (re.compile(r"\\[,;:!> ]|~|\\(?:q?quad|thinspace)(?![A-Za-z])"), " "),
    (re.compile(r"(?<![A-Za-z])([kMG])\s+(?=Ω)"), r"\1"),
)
_FACE = re.compile(
    r"\\(?:text|mathrm|textrm|textup|mbox|operatorname|mathit|textit|mathsf|mathbf)\s*\{((?:[^{}]|\{[^{}]*\})*)\}"
)
_SIUNITX = re.compile(r"\\([A-Za-z]+)")
_PREFIXES = frozenset(
    ("kilo", "mega", "giga", "tera", "milli", "micro", "nano", "pico", "femto", "centi", "deci", "hecto")
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{((?:[^{}]|\{[^{}]*\})*)\}\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TOKEN = re.compile(
    r"\s*(?:(?P<ten>10\s*\^\s*(?:\{\s*[+-]?\d{1,3}\s*\}|[+-]?\d{1,3})|1(?=\s*/))|(?P<name>[A-Za-z\u00b5Ω'][A-Za-z\u00b5Ω'_]*)"
    r"|(?P<power>\^\s*(?:\{\s*[+-]?\d\s*\}|\(\s*[+-]?\d\s*\)|[+-]?\d)|[+-]\d(?!\d)|(?<=\S)\d(?!\d))|(?P<sign>[*/().{}-]))"
)
_PER, _SQUARED, _CUBED = frozenset(("per", "pro")), frozenset(("squared",)), frozenset(("cubed",))
_BEFORE = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_TWO_UNITS = re.compile(r"([A-Za-z]|kg|mol)([smAKgNJV])")
_TWO_WITHOUT_PREFIX = re.compile(r"([ACJNVW])([smAKgNJV])")
_DIGIT = re.compile(r"[+-]?\d+")
_LONGEST = 120
_MANY = 12


@lru_cache(maxsize=4096)
def products(text: str) -> tuple[Product, ...]:
    """Every way to read a unit, the plainest first; none where it is written as no unit is."""
    plain = normalised(text)
    if not plain or len(plain) > _LONGEST:
        return ()
    found: dict[Product, None] = {}
    for spread in (False, True):
        read = _read(plain, spread)
        if read is not None:
            found.setdefault(read)
            for apart in _apart(read):
                found.setdefault(apart)
    return tuple(found)


def normalised(text: str) -> str:
    """A unit without commands: names, signs and powers in plain characters."""
    text = _SUPERSCRIPT.sub(lambda match: f"^{{{match.group().translate(_RAISED)}}}", text)
    text = text.replace("−", "-").replace("–", "-")
    while (plainer := _FRACTION.sub(r" (\1)/(\2) ", text)) != text:
        text = plainer
    while (plainer := _FACE.sub(r" \1 ", text)) != text:  # a power behind the braces is of the last unit in them
        text = plainer
    for pattern, by in _SIGNS:
        text = pattern.sub(by, text)
    return " ".join(_spelled(text).split()).strip(" .,;")


def _spelled(text: str) -> str:
    """Commands of siunitx as words, prefixes before their units."""
    words = _SIUNITX.sub(lambda match: match[1] if match[1] in _PREFIXES else f"{match[1]} ", text)
    return re.sub(r"\btothe\s*\{?([+-]?\d)\}?", r"^{\1}", words)


def _read(text: str, spread: bool) -> Product | None:
    """`spread`: a bar is a fraction's, and all that follows stands below it."""
    try:
        reader = _Reader(list(_tokens(text)), spread)
        found = reader.product()
    except ValueError:
        return None
    return found if reader.at == len(reader.tokens) and (found.powers or found.scale != 1) else None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(text)
        at = match.end()
        assert match.lastgroup is not None
        yield match.lastgroup, match[match.lastgroup].strip()


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], spread: bool) -> None:
        self.tokens, self.spread, self.at = tokens, spread, 0

    def product(self) -> Product:
        scale, powers, direction, awaited = Fraction(1), dict[str, int](), 1, False
        while (token := self._next()) is not None and token not in (("sign", ")"), ("sign", "}")):
            kind, text = token
            if kind == "sign" and text in "*.-":
                self.at += 1
                direction, awaited = direction if self.spread else 1, True
                continue
            if (kind, text) == ("sign", "/") or (kind == "name" and text.lower() in _PER):
                self.at += 1
                direction, awaited = -1, True
                continue
            part = self._factor()
            scale *= part.scale**direction
            for name, power in part.powers:
                powers[name] = powers.get(name, 0) + direction * power
            direction, awaited = direction if self.spread else 1, False
        if awaited or len(powers) > _MANY:
            raise ValueError("a sign at the end, or too many units")
        return Product(scale, tuple((name, power) for name, power in powers.items() if power))

    def _next(self) -> tuple[str, str] | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _factor(self) -> Product:
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "ten":
            exponent = _DIGIT.search(text.partition("^")[2])
            return Product(Fraction(10) ** int(exponent.group()) if exponent else Fraction(1), ())
        if kind == "sign" and text in "({":
            inner = self.product()
            if self._next() not in (("sign", ")"), ("sign", "}")):
                raise ValueError("an open bracket")
            self.at += 1
            return _raised(inner, self._power())
        if kind != "name":
            raise ValueError(text)
        if text.lower() in _BEFORE and (following := self._next()) is not None and following[0] == "name":
            return _raised(self._factor(), _BEFORE[text.lower()])
        return Product(Fraction(1), ((text, self._power()),))

    def _power(self) -> int:
        token = self._next()
        if token is None:
            return 1
        kind, text = token
        if kind == "name" and text.lower() in _SQUARED | _CUBED:
            self.at += 1
            return 2 if text.lower() in _SQUARED else 3
        if kind != "power":
            return 1
        self.at += 1
        found = _DIGIT.search(text)
        return int(found.group()) if found else 1


def _raised(product: Product, power: int) -> Product:
    return Product(product.scale**power, tuple((name, own * power) for name, own in product.powers))


def _apart(product: Product) -> Iterator[Product]:
    """The same with names that may be two units as two: the second has the power, as in `ms^{-1}`, or both have it, as
    in `W/mK`. Without a power, such as `Nm`, only where the first letter is no prefix."""
    for shared in (False, True):
        found: list[tuple[str, int]] = []
        for name, power in product.powers:
            parts = _TWO_UNITS.fullmatch(name) if power != 1 else _TWO_WITHOUT_PREFIX.fullmatch(name)
            found += [(parts[1], power if shared else 1), (parts[2], power)] if parts else [(name, power)]
        if len(found) > len(product.powers):
            yield Product(product.scale, tuple(found))
