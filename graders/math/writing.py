"""Mathematics in plain characters as LaTeX: `3√5`, `½`, `×10⁸`, `x₁`, `λ`, `y′`; and text without its backslashes."""

import re
import unicodedata

_CHARACTERS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "∙": r"\cdot ", "•": r"\cdot ", "∗": "*", "÷": "/", "⁄": "/", "∕": "/", "π": r"\pi ", "∞": r"\infty ",
    "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ",
    "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "≡": r"\equiv ", "±": r"\pm ", "∓": r"\mp ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ", "∠": r"\angle ", "△": r"\triangle ",
    "⊥": r"\perp ", "∥": r"\parallel ", "′": "'", "’": "'", "″": "''", "…": r"\ldots ", "⋯": r"\cdots ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "∑": r"\sum ", "∫": r"\int ",
    "∂": r"\partial ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "∣": "|",
    "、": ", ", "。": ". ", "，": ", ", "；": "; ", "：": ":", "（": "(", "）": ")", "％": "%", "＝": "=",
    "＋": "+", "－": "-", "［": "[", "］": "]", "｛": "{", "｝": "}", "｜": "|", "＜": "<", "＞": ">", "／": "/",
    "．": ".", "ℓ": r"\ell ", "Å": "Å", "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2005": " ",
    "\u2009": " ", "\u200a": " ", "\u202f": " ", "\u3000": " ", "\u200b": "", "\u2060": "", "\ufeff": "",
    "\u2061": " ", "\u2062": "", "µ": r"\mu ", "Ω": r"\Omega ",
}  # fmt: skip
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega"
)
for _place, _name in enumerate(_GREEK.split()):
    _CHARACTERS.setdefault(chr(0x3B1 + _place + (_place > 16)), f"\\{_name} ")
for _letter, _name in zip(
    "ΓΔΘΛΞΠΣΦΨΩϕϑϵ",
    ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega", "phi", "theta", "epsilon"],
    strict=True,
):
    _CHARACTERS[_letter] = f"\\{_name} "
_CHARACTERS |= {chr(0xFF10 + digit): str(digit) for digit in range(10)}
_CHARACTERS |= {chr(0xFF21 + place): chr(65 + place) for place in range(26)}
_CHARACTERS |= {chr(0xFF41 + place): chr(97 + place) for place in range(26)}
_TABLE = str.maketrans(_CHARACTERS)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₙₖₘᵢⱼ", "0123456789+-()aeoxnkmij")
_SUPERSCRIPT = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ]+")
_SUBSCRIPT = re.compile(r"[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₙₖₘᵢⱼ]+")
_VULGAR = re.compile(r"(\d*)\s*([¼½¾⅐-⅞])")
_RADICAND = r"\s*(?:\((?P<group>(?:[^()]|\([^()]*\))*)\)|(?P<bare>\{[^{}]*\}|\d+(?:\.\d+)?|[A-Za-z]|\\[A-Za-z]+ ?))"
_ROOT = re.compile(rf"(?P<sign>[√∛∜]|根号|根號){_RADICAND}")
_DEGREE = {"∛": "[3]", "∜": "[4]"}
_LOST = {"\t": r"\t", "\f": r"\f", "\b": r"\b", "\v": r"\v", "\a": r"\a", "\r": r"\r"}
_LOST_COMMAND = re.compile(
    "\t(?=frac|ext|imes|heta|an(?![a-z])|au(?![a-z])|riangle|herefore|o(?![a-z]))|\f(?=rac|box)|\b(?=inom|eta|oxed|ar|egin|f(?=\\{))"
    "|\v(?=ec|arphi|arepsilon|ert)|\a(?=lpha|ngle|pprox)|\r(?=ight|ho|m(?=\\{)|angle|vert)"
)


def latex(text: str) -> str:
    """`text` with its characters and roots as LaTeX has them. Plain ASCII comes back as it is."""
    if any(mark in text for mark in _LOST):
        text = _LOST_COMMAND.sub(lambda match: _LOST[match.group()], text)
    if text.isascii():
        return text
    text = _SUPERSCRIPT.sub(lambda match: f"^{{{match.group().translate(_RAISED)}}}", text)
    text = _SUBSCRIPT.sub(lambda match: f"_{{{match.group().translate(_LOWERED)}}}", text)
    text = _VULGAR.sub(_fraction, text)
    while (rooted := _ROOT.sub(_root, text)) != text:
        text = rooted
    return text.translate(_TABLE)


def _fraction(match: re.Match[str]) -> str:
    top, _, bottom = unicodedata.normalize("NFKC", match[2]).partition("⁄")
    return rf"{match[1]}\frac{{{top}}}{{{bottom}}}"


def _root(match: re.Match[str]) -> str:
    inside = match["group"] if match["group"] is not None else match["bare"].strip("{} ")
    return rf"\sqrt{_DEGREE.get(match['sign'], '')}{{{inside}}}"
