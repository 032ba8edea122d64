r"""Units of measurement: which of them measure the same, and how large they are.

Symbols with their SI prefixes (`kJ`, `\mu C`, `N/C`, `m s^{-2}`), words (`square centimeters`, `miles per hour`),
money.
"""

import re
from fractions import Fraction
from functools import lru_cache

Unit = tuple[str, Fraction]
"""What is measured, such as `m^2` or `m s^-1`, and how many of its basic units this unit is. A word that is no known
unit measures only itself."""

DEGREE: Unit = ("degree", Fraction(1))
DOLLAR: Unit = ("dollar", Fraction(1))

_SYMBOLS = """
m=m 1; g=g 1; s=s 1; min=s 60; h=s 3600; hr=s 3600; A=A 1; K=K 1; mol=mol 1; cd=cd 1; L=m^3 1/1000; l=m^3 1/1000
Hz=s^-1 1; N=g m s^-2 1000; Pa=g m^-1 s^-2 1000; J=g m^2 s^-2 1000; W=g m^2 s^-3 1000; C=A s 1; V=g m^2 s^-3 A^-1 1000
F=g^-1 m^-2 s^4 A^2 1/1000; \\Omega=g m^2 s^-3 A^-2 1000; S=g^-1 m^-2 s^3 A^2 1/1000; Wb=g m^2 s^-2 A^-1 1000
T=g s^-2 A^-1 1000; H=g m^2 s^-2 A^-2 1000; lm=cd 1; lx=cd m^-2 1; Bq=s^-1 1; Gy=m^2 s^-2 1; Sv=m^2 s^-2 1
eV=eV 1; bar=g m^-1 s^-2 100000000; atm=g m^-1 s^-2 101325000; torr=torr 1; cal=cal 1; M=mol m^-3 1000; B=byte 1
rad=radian 1; sr=sr 1; Å=m 1/10000000000; \\AA=m 1/10000000000; D=D 1; u=u 1; amu=u 1; ppm=ppm 1; mmHg=torr 1
ft=ft 1; in=ft 1/12; yd=ft 3; mi=ft 5280; lb=lb 1; lbs=lb 1; oz=lb 1/16; gal=gal 1; qt=gal 1/4; pt=gal 1/8; t=g 1000000
sec=s 1; yr=year 1; acre=acre 1; ha=m^2 10000; cc=m^3 1/1000000; dB=dB 1; rpm=rpm 1; $=dollar 1; ¢=dollar 1/100
"""
_WORDS = """
m: meter metre; g: gram gramme; s: second; 60 s: minute; 3600 s: hour; 86400 s: day; 604800 s: week
year: year; 1/12 year: month; m^3/1000: liter litre; J: joule; N: newton; Pa: pascal; W: watt; V: volt; A: ampere amp
C: coulomb; K: kelvin; T: tesla; F: farad; H: henry; \\Omega: ohm; Hz: hertz; Wb: weber; mol: mole; cal: calorie
B: byte; eV: electronvolt; rad: radian; Å: angstrom ångström; 1000000 g: tonne; 1000 g: kilo; ha: hectare; acre: acre
ft: foot feet; 1/12 ft: inch inche; 3 ft: yard; 5280 ft: mile; lb: pound; 1/16 lb: ounce; gal: gallon; 1/4 gal: quart
1/8 gal: pint; dollar: dollar buck usd; 1/100 dollar: cent; euro: euro eur; degree: degree; torr: torr; atm: atmosphere
"""
_SHORT_PREFIXES: dict[str, int | Fraction] = {
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "c": Fraction(1, 100), "d": Fraction(1, 10),
    "m": Fraction(1, 10**3), "\\mu": Fraction(1, 10**6), "μ": Fraction(1, 10**6), "u": Fraction(1, 10**6),
    "n": Fraction(1, 10**9), "p": Fraction(1, 10**12), "f": Fraction(1, 10**15), "h": 100,
}  # fmt: skip
_LONG_PREFIXES: dict[str, int | Fraction] = {
    "kilo": 10**3, "mega": 10**6, "giga": 10**9, "tera": 10**12, "centi": Fraction(1, 100), "deci": Fraction(1, 10),
    "milli": Fraction(1, 10**3), "micro": Fraction(1, 10**6), "nano": Fraction(1, 10**9), "pico": Fraction(1, 10**12),
}  # fmt: skip
_COMPOUND = {"mph": "mile/h", "kph": "km/h", "kmh": "km/h", "kmph": "km/h", "fps": "ft/s", "mps": "m/s", "kwh": "kW*h"}
_TIMES = re.compile(r"\s+|\\cdot|\\times|[*·]|-(?=[a-z])")
_PER = re.compile(r"/|(?<=[a-z])per(?=[a-z])")
_ATOM = re.compile(
    r"(?P<before>square|sq\.?|cubic|cu\.?)?(?P<name>(?:\\mu|μ)?(?:\\Omega|\\AA|Å|[A-Za-z$¢¥€£\u4e00-\u9fff]+)|\\mu)\.?"
    r"(?:\^\{?(?P<power>-?\d)\}?|(?P<after>squared|cubed))?"
)
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_CHANGING = frozenset((
    "is", "are", "was", "be", "not", "no", "or", "nor", "and", "either", "but", "wrong", "incorrect", "false",
    "than", "least", "most", "over", "above", "under", "below", "if", "unless", "except", "excluding", "without",
    "instead", "rather", "versus", "vs", "plus", "minus", "times", "divided", "factorial", "root", "mod", "modulo",
    "base", "to", "out", "between", "half", "third", "quarter", "isnt", "cannot", "never", "impossible",
)
)  # fmt: skip
"""Words that make a number with them another number, or none."""
_CHANGING_SIGNS = re.compile("[≥≤<>]|以上|以下|以内|或|不|错|非|之|至|到")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]+(?:'[a-z]+)?")
_TAIL = re.compile(
    r"(?:[\s~]|\\[ ,;:!])*(?:(?:\\cdot|/|\\times)?(?:[\s~]|\\[ ,;:])*"
    r"\\(?:text|mathrm|textrm|rm|mbox|textbf)\s*\{[^{}\d]*\}"
    r"(?:\^\{?-?\d\}?)?)+[\s.$]*$"
)
_BARE_TAIL = re.compile(r"(?<=[\d})\s])\s*([A-Za-z]{2,}(?:\s?[A-Za-z]{2,})?(?:/[A-Za-z]+)?(?:\^\{?-?\d\}?)?)[\s.]*$")
_Dimensions = dict[str, int]


def _dimensions(text: str) -> _Dimensions:
    found: _Dimensions = {}
    for part in text.split():
        name, _, power = part.partition("^")
        found[name] = found.get(name, 0) + int(power or 1)
    return found


def _table() -> dict[str, tuple[_Dimensions, Fraction]]:
    found = {}
    for entry in re.split(r"[;\n]", _SYMBOLS.strip()):
        name, _, meaning = entry.strip().partition("=")
        dimensions, _, size = meaning.rpartition(" ")
        found[name] = (_dimensions(dimensions), Fraction(size))
    return found


_KNOWN = _table()


def _words() -> dict[str, tuple[_Dimensions, Fraction]]:
    found = {}
    for entry in re.split(r"[;\n]", _WORDS.strip()):
        meaning, _, names = entry.strip().partition(":")
        size, _, symbol = meaning.strip().rpartition(" ")
        symbol, _, divisor = symbol.partition("/")
        known = _KNOWN.get(symbol) or (_dimensions(symbol), Fraction(1))
        for name in names.split():
            found[name] = (known[0], known[1] * Fraction(size or 1) / Fraction(divisor or 1))
    return found


_NAMED = _words()


@lru_cache(maxsize=4096)
def read(text: str) -> Unit | None:
    """The unit that `text` is: `cm^2`, `square centimeters`, `milesperhour`, `apples`. None where it is not written
    as a unit is."""
    parts = re.sub(r"\\(?:cdot|times)|[*·]", " ", text).split()
    if len(parts) > 1:
        known = all(_known(re.split(r"[\^/]", part)[0]) for part in parts)
        text = (" " if known else "").join(parts)
    text = _COMPOUND.get(text.lower().rstrip("."), text)
    dimensions: _Dimensions = {}
    size = Fraction(1)
    for place, side in enumerate(_PER.split(text)):
        direction = -1 if place else 1
        for part in _TIMES.split(side.strip("()")):
            atoms = _atoms(part)
            if atoms is None:
                return None
            for names, atom_size in atoms:
                for name, power in names.items():
                    dimensions[name] = dimensions.get(name, 0) + direction * power
                size *= atom_size**direction
    written = [name if power == 1 else f"{name}^{power}" for name, power in sorted(dimensions.items()) if power]
    return " ".join(written), size


def unit(word: str) -> Unit:
    """The unit that a word without white space names; a word of its own where it is none."""
    return read(word) or (word.lower(), Fraction(1))


def is_known(word: str) -> bool:
    """Whether a word, or words with signs and powers between them, names units of the tables."""
    parts = [part for part in re.split(r"[/\s.]+|\^\{?-?\d\}?", word) if part]
    return word.lower() in _COMPOUND or (bool(parts) and all(_known(part) for part in parts))


def changes_the_number(text: str) -> bool:
    """Whether words, as in `7 or more` or `40 is wrong`, make a number with them another one, or none."""
    return any(word.lower() in _CHANGING for word in _WORD.findall(text)) or bool(_CHANGING_SIGNS.search(text))


def without_unit(text: str) -> str:
    """An expression without the unit behind it, as in `5\\sqrt{2} \\text{ m}` or `24\\pi cm^2`."""
    if match := _TAIL.search(text):
        words = re.sub(r"\\[a-z]+|[{}]", " ", match.group())
        return text[: match.start()] if match.start() and not changes_the_number(words) else text
    match = _BARE_TAIL.search(text)
    return text[: match.start()] if match and match.start() and is_known(match[1]) else text


def agree(first: Unit, second: Unit) -> bool:
    """Whether two units measure the same thing; a longer name, as in `pieces` and `pieces of candy`, says no more."""
    names = sorted((first[0], second[0]), key=len)
    return names[0] == names[1] or (len(names[0]) > 2 and names[1].startswith(names[0]))


def _atoms(text: str) -> list[tuple[_Dimensions, Fraction]] | None:
    """The units in a run without signs between them, such as `ms^{-2}` or `\\muC\\muC`, where powers part them."""
    found: list[tuple[_Dimensions, Fraction]] = []
    at = 0
    while at < len(text):
        match = _ATOM.match(text, at)
        if match is None:
            return None
        at = match.end()
        known = _known(match["name"]) or ({_singular(match["name"]).lower(): 1}, Fraction(1))
        marked = (match["before"] or match["after"] or "").rstrip(".")
        power = int(match["power"] or _POWERS.get(marked, 1))
        atom = ({name: count * power for name, count in known[0].items()}, known[1] ** power)
        if not found or atom != found[-1]:  # a unit that is said twice is one
            found.append(atom)
    return found or None


def _known(name: str) -> tuple[_Dimensions, Fraction] | None:
    for exact, word in ((name, name.lower()), (name.lower(), name.lower())):
        if exact in _KNOWN:
            return _KNOWN[exact]
        for prefix, size in _SHORT_PREFIXES.items():
            rest = exact.removeprefix(prefix)
            if rest != exact and rest in _KNOWN and len(rest) <= 3 and rest not in ("min", "h", "in", "t", "lb"):
                return _KNOWN[rest][0], _KNOWN[rest][1] * size
        if (singular := _singular(word)) in _NAMED:
            return _NAMED[singular]
        for prefix, size in _LONG_PREFIXES.items():
            if singular.startswith(prefix) and (rest := singular.removeprefix(prefix)) in _NAMED:
                return _NAMED[rest][0], _NAMED[rest][1] * size
    return None


def _singular(name: str) -> str:
    return name[:-1] if len(name) > 2 and name.endswith("s") and name not in _KNOWN else name
