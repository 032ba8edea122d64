"""The words of questions: what is left when case, punctuation and the dress of LaTeX are taken away.

A question becomes tokens. *Words* are runs of letters, numbers, and the signs `+ = < > <= >= !=`; n-grams and shingles
are made of them. *Marks* are `- * / ^ |` and bars over letters. Authors write those in many ways or leave them out
(`3/4` and `\\frac{3}{4}`, `2x` and `2 \\cdot x`, `x^2` and `x²`, the hyphen of `two-digit`), so they do not stand
between words; but questions with different marks are different questions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MARKS = ("-", "*", "/", "^", "|", "¯")

_DRESS = r"""
    \left \right \middle \big \bigg \bigl \bigr \bigm \biggl \biggr \limits \nolimits \displaystyle \textstyle
    \text \textbf \textit \textrm \texttt \textsf \textsc \textnormal \mbox \hbox \mathrm \mathbf \mathit \mathsf
    \mathtt \mathcal \mathbb \mathscr \mathfrak \boldsymbol \bm \operatorname \rm \bf \it \emph \underline
    \quad \qquad \phantom \hfill \hline \noindent \newline \par \item \ldots \dots \cdots \dotsc \dotsb \vdots \ddots
"""
_SPELLINGS = {
    " ": _DRESS + " – — >>>",
    "/": r"\frac \dfrac \tfrac \cfrac \over \div ÷ ⁄ ∕",
    "*": r"\times \cdot \ast × · ⋅ ∗",
    "-": "−",
    "|": r"\mid \vert \lvert \rvert ∣",
    "¯": r"\overline \bar \vec \hat \widehat \overrightarrow \overleftrightarrow \tilde \widetilde",
    "<": r"\lt",
    ">": r"\gt",
    "<=": r"\le \leq \leqslant ≤ ⩽",
    ">=": r"\ge \geq \geqslant ≥ ⩾",
    "!=": r"\ne \neq ≠",
    "percent": "%",
    "degrees": "°",
    "pm": "±",
    "sqrt": "√",
    "infty": "∞",
    "in": "∈",
    "cup": "∪",
    "cap": "∩",
    "subset": r"\subseteq ⊂ ⊆",
    "emptyset": r"\varnothing ∅",
    "to": r"\rightarrow \longrightarrow →",
    "approx": "≈",
    "equiv": "≡",
    "cong": "≅",
    "perp": "⊥",
    "parallel": "∥",
    "angle": "∠",
    "triangle": "△ ∆",
    "sum": "∑",
    "prod": "∏",
    "int": "∫",
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": r"\varepsilon ε ϵ",
    "zeta": "ζ",
    "eta": "η",
    "theta": r"\vartheta θ ϑ",
    "iota": "ι",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ ς",
    "tau": "τ",
    "upsilon": "υ",
    "phi": r"\varphi φ ϕ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
}
# A command ends with the space that `_spaced` puts there, or `\le` would be found in `\left`.
_REPLACED = {r"^ \circ ": " degrees ", r"^{ \circ ": " degrees "} | {
    spelling + " " * spelling.startswith("\\"): f" {word} "
    for word, spellings in _SPELLINGS.items()
    for spelling in spellings.split()
}

_FIGURE = r"(?is)\[asy\].*?\[/asy\]"
_LAYOUT = r"\\(?:begin|end|hspace|vspace|color|textcolor|label|tag) \{[^}]*\}"
_THOUSANDS = r"([0-9])(?:,\\!|\\,|\{,\}|,)([0-9]{3})\b"
_SUPERSCRIPTS = "([⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+)"
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}"  # scripts without spaces: each character is a word
_TOKEN = "|".join(
    [
        rf"[{_UNSPACED}]",
        r"[a-z]!",
        rf"[\p{{L}}\p{{M}}&&[^{_UNSPACED}]]+",
        r"\d+(?:\.\d+)*!?",
        r"[<>!=]=",
        r"[-+*/^|¯=<>]",
    ]
)


@dataclass(frozen=True)
class Tokens:
    """Tokens of many questions, one after another: those of question `i` are `flat[starts[i]:starts[i + 1]]`."""

    flat: pl.Series
    starts: Indices

    @property
    def counts(self) -> Indices:
        """Tokens of each question."""
        return np.diff(self.starts)

    def where(self, kept: Mask) -> "Tokens":
        """Only those tokens for which `kept` holds."""
        before = np.concatenate([[0], np.cumsum(kept)])
        return Tokens(self.flat.filter(pl.Series(kept)), before[self.starts])

    def of(self, question: int) -> list[str]:
        """Tokens of one question."""
        return self.flat[int(self.starts[question]) : int(self.starts[question + 1])].to_list()

    def hashes(self) -> Hashes:
        """One xxh3 hash a token; the same in every process and version of Polars."""
        return self.flat.to_frame("token").select(plh.col("token").nchash.xxh3_64()).to_series().to_numpy()


def tokens(questions: pl.Series) -> Tokens:
    """Words and marks of each question, in their order, those of figures last; a null has none."""
    text = _composed(questions.rename("text").fill_null(""))
    lists = text.to_frame().select(_undressed().str.extract_all(_TOKEN)).to_series()
    counts = lists.list.len().to_numpy().astype(np.int64)
    return Tokens(lists.explode().drop_nulls(), np.concatenate([[0], np.cumsum(counts)]))


def without_figures(questions: pl.Series) -> pl.Series:
    """The questions without drawings in Asymptote code, which copies of a problem often lack."""
    return questions.str.replace_all(_FIGURE, " ")


def words(found: Tokens) -> Tokens:
    """Tokens without the marks."""
    return found.where(~found.flat.is_in(MARKS).to_numpy())


def blocks(questions: pl.Series, chars: int = 4_000_000) -> Iterator[tuple[int, pl.Series]]:
    """Slices of about `chars` bytes of text, each with the index of its first question: memory stays flat."""
    sizes = questions.str.len_bytes().fill_null(0).cast(pl.Int64).cum_sum().to_numpy()
    first = 0
    while first < len(questions):
        read = sizes[first - 1] if first else 0
        end = max(first + 1, int(np.searchsorted(sizes, read + chars, side="right")))
        yield first, questions[first:end]
        first = end


def _composed(text: pl.Series) -> pl.Series:
    """NFKC, with a `^` before superscripts, for without it 2² would become 22."""
    plain = text.str.contains(r"^[\x00-\x7f]*$")
    if plain.all():
        return text
    places = (~plain).arg_true()
    marked = text.gather(places).str.replace_all(_SUPERSCRIPTS, "^$1").str.normalize("NFKC")
    return text.clone().scatter(places, marked)


def _undressed() -> pl.Expr:
    text = pl.col("text")
    figures = text.str.extract_all(_FIGURE).list.join(" ")
    return (
        pl.concat_str(text.str.replace_all(_FIGURE, " "), figures, separator=" ")
        .str.to_lowercase()
        .str.replace_all(r"\\([a-z]+)\*?", " \\$1 ")
        .str.replace_all(_LAYOUT, " ")
        .str.replace_all(r"[\^_]\{\s*\}", "")
        .str.replace_all(r"(\\[dtc]?frac|\\[dt]?binom) ([0-9])([0-9])", "$1 $2 $3")
        .str.replace_all(_THOUSANDS, "$1$2")
        .str.replace_all(_THOUSANDS, "$1$2")  # each match takes the digits that the next one would start with
        .str.replace_all(r"(^|[^0-9])\.([0-9])", "${1}0.$2")
        .str.replace_all(r"\b-([a-z]{2})|\$-([a-z]{3})|-{2,}", " $1$2")  # hyphens and dashes are not minus signs
        .str.replace_many(_REPLACED)
    )
