"""Splits the text of one expression, in LaTeX or plain, into tokens."""

import re
from typing import NamedTuple

from hipo_data.graders.math.expressions.nodes import UnreadableError

MAX_CHARS = 600
GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma",
    "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega", "hbar", "ell",
)  # fmt: skip  # fmt: skip
FUNCTIONS = (
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "sinh", "cosh", "tanh", "ln",
    "log", "lg", "exp", "sqrt", "max", "min", "gcd", "lcm",
)  # fmt: skip
_ALIASES = {
    "cdot": "*", "times": "*", "ast": "*", "cdotp": "*", "div": "/", "lvert": "|", "rvert": "|", "vert": "|",
    "lbrace": "{", "rbrace": "}", "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom",
    "tbinom": "binom", "infin": "infty", "tg": "tan", "ctg": "cot", "arctg": "arctan", "cosec": "csc",
    "lfloor": "lfloor", "rfloor": "rfloor", "lceil": "lceil", "rceil": "rceil",
}  # fmt: skip
_OF_ALGEBRA = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "acot": "arccot"}
"""Names of computer algebra, as operators; plain letters may be a product."""
_ACCENTS = ("hat", "dot", "ddot", "bar", "tilde", "widehat", "overline")
_FACES = ("vec", "mathbf", "mathrm", "mathit", "boldsymbol", "bm", "mathcal", "overrightarrow", "text", "operatorname",
          "mathsf", "mbox", "textit", "textbf", "rm", "bf", "it", "displaystyle", "textrm")  # fmt: skip
_COMMANDS = {"frac", "sqrt", "binom", "pi", "infty", "pm", "mp", "circ", "lfloor", "rfloor", "lceil", "rceil", "prime"}
_LEXEME = re.compile(
    r"[\s~]*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|\\(?P<command>[A-Za-z]+)|(?P<letters>[A-Za-z]+)|(?P<mark>\*\*|[-+*/^_(){}\[\]|!',:<>=]))"
)
_SUBSCRIPT = re.compile(r"\s*_\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\w)|(\\[A-Za-z]+))")


class Token(NamedTuple):
    """`kind`: number, name (a variable with its subscript and accents), function, command, mark."""

    kind: str
    text: str


def tokens(text: str) -> list[Token]:
    """The tokens of `text`. Raises `UnreadableError` where a word, an unknown command or another character comes."""
    if len(text) > MAX_CHARS:
        raise UnreadableError("too long")
    found: list[Token] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _LEXEME.match(text, at)
        if match is None:
            raise UnreadableError(text[at : at + 20])
        at = match.end()
        if match["number"]:
            if found and found[-1].kind == "number" and not _is_script(found):
                raise UnreadableError("numbers side by side")
            found.append(Token("number", match["number"]))
        elif match["mark"]:
            found.append(Token("mark", "^" if match["mark"] == "**" else match["mark"]))
        elif match["letters"]:
            at = _letters(match["letters"], text, at, found)
        else:
            at = _command(match["command"], text, at, found)
    return found


def _is_script(found: list[Token]) -> bool:
    r"""Whether the last token is a subscript, or the power of a function whose argument comes next, as in `\ln^2 2`."""
    before = [token.text for token in found[-2:-1]]
    of_function = len(found) > 2 and found[-3].kind == "function" and len(found[-1].text) == 1
    return before == ["_"] or (before == ["^"] and of_function)


def _letters(letters: str, text: str, at: int, found: list[Token]) -> int:
    if letters in FUNCTIONS or (letters in _ALIASES and _ALIASES[letters] in FUNCTIONS):
        found.append(Token("function", _ALIASES.get(letters, letters)))
        return at
    if letters == "pi":
        found.append(Token("command", "pi"))
        return at
    for name in ("sqrt", "pi", "ln", "log", "sin", "cos", "tan", "exp"):
        # A factor may touch it, as in `xsin` or `isqrt`.
        if letters.endswith(name) and len(letters) <= len(name) + 2:
            found.extend(Token("name", letter) for letter in letters[: -len(name)])
            found.append(Token("command", "pi") if name == "pi" else Token("function", name))
            return at
    if len(letters) > 4 or (len(letters) == 4 and not letters.islower()):
        raise UnreadableError(letters)
    found.extend(Token("name", letter) for letter in letters[:-1])
    return _name(letters[-1], text, at, found)


def _name(name: str, text: str, at: int, found: list[Token]) -> int:
    """Adds the variable `name` with the subscript and primes that follow it."""
    while match := _SUBSCRIPT.match(text, at):
        inside = match[1] or match[2] or match[3] or ""
        name, at = f"{name}_{plain_subscript(inside)}", match.end()
    while at < len(text) and text[at] == "'":
        name, at = f"{name}'", at + 1
    found.append(Token("name", name))
    return at


def plain_subscript(text: str) -> str:
    """A subscript without what only sets it in another face."""
    text = re.sub(r"\\(?:text|mathrm|rm|mathit|operatorname|textrm|mbox|mathbf)\s*(?![A-Za-z])", "", text)
    return re.sub(r"[\s{}~]|\\[ ,;!]", "", text)


def _command(command: str, text: str, at: int, found: list[Token]) -> int:
    command = command if command == "lambda" else _ALIASES.get(command, command)
    if command in ("*", "/", "|", "{", "}"):
        found.append(Token("mark", command))
        return at
    if command in FUNCTIONS and command != "sqrt":
        found.append(Token("function", command))
        return at
    if command in _COMMANDS:
        found.append(Token("command", command))
        return at
    if command in GREEK:
        return _name(command.removeprefix("var"), text, at, found)
    if command in _ACCENTS or command in _FACES:
        if match := re.compile(r"\s*(?:\{\s*([A-Za-z]|\\[A-Za-z]+)\s*\}|([A-Za-z])(?![A-Za-z])|(\\[A-Za-z]+))").match(
            text, at
        ):
            inner = (match[1] or match[2] or match[3]).lstrip("\\")
            if len(inner) > 1 and inner not in GREEK:
                raise UnreadableError(inner)
            accent = "bar" if command == "overline" else command.removeprefix("wide")
            name = inner if command in _FACES else f"{accent} {inner}"
            return _name(name, text, match.end(), found)
        if command in _FACES and (match := re.compile(r"\s*\{([^{}]*)\}").match(text, at)):
            found.extend(_faced(match[1]))
            return match.end()
    raise UnreadableError(command)


def _faced(inner: str) -> list[Token]:
    """What stands in another face: a number, a function or a product of variables, but no word."""
    if inner.strip() in _OF_ALGEBRA:
        return [Token("function", _OF_ALGEBRA[inner.strip()])]
    if re.fullmatch(r"\s*[A-Za-z]{2,}\s*", inner) and _ALIASES.get(inner.strip(), inner.strip()) not in FUNCTIONS:
        raise UnreadableError(inner)
    return tokens(inner)
