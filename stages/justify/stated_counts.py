"""Whether a justification states what was measured: a pass rate, a number of attempts or of tokens.

The numbers of the problem itself may be said. A number counts where a word of measuring stands with it ("8 attempts",
"right in 87 %"), in English, German or Chinese whatever the language of the justifications, and a share ("7 of 8")
also where it is the decision's own. Words without a number, such as "most direct tries" or "half the time", state none.
A word of measuring that the question uses ("tosses 10 times", "runs three trials") says nothing.
"""

import re

from hipo_data.schemas.records import Decision

_WORDS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn",
    "zh": "零 一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六",
}
_VALUES = {word: value for words in _WORDS.values() for value, word in enumerate(words.split())} | {
    "两": 2,
    "keiner": 0,
}
_SPACED = sorted((word for word in _VALUES if word.isascii() or "ü" in word or "ö" in word), key=len, reverse=True)
_N = rf"(?:\d[\d.,]*\d|\d|\b(?:{'|'.join(_SPACED)})\b)"
_SEVERAL = rf"(?:\d[\d.,]*\d|\d|\b(?:{'|'.join(word for word in _SPACED if word not in ('one', 'eins'))})\b)"
_HAN = rf"(?:\d+|[{''.join(word for word in _VALUES if len(word) == 1)}]+)"

_SHARE = rf"{_N}\s*(?:out\s+of|of|von|aus|/)\s*{_N}"
_KIND = r"(?:direct|immediate|quick|thinking|reasoned|sampled|think-o(?:n|ff)|direkten?|sofortigen?)"
_ATTEMPTS = r"(?:attempts?|tr(?:y|ies)|rollouts?|versuchen?|versuche?s?|anläufen?)"
_RATES = (
    r"(?:(?:pass|success|solve|hit|error|failure)[\s-]?rates?|accuracy|success\s+probability"
    r"|erfolgsquote|trefferquote|erfolgsrate|genauigkeit)"
)
_MEASURES = [
    rf"{_SEVERAL}\s+(?:of\s+(?:the\s+)?)?(?:{_KIND}\s+){{0,2}}(?P<noun>{_ATTEMPTS})\b",
    rf"{_SEVERAL}\s+(?:{_KIND}\s+){{1,2}}(?:runs|trials|samples|answers|antworten)\b",
    rf"\bone\s+(?:direct|immediate|think-o(?:n|ff))\s+{_ATTEMPTS}\s+(?:was|is|were)\b",
    rf"{_N}\s+(?:times?|mal)\s+(?:out\s+of|of|von)\s+{_N}",
    rf"{_N}\s+(?:out\s+of|of|von)\s+{_N}\s+(?:times|malen?|cases|fällen)\b",
    rf"\b(?:right|correct|wrong|richtig|falsch)\s+(?:only\s+|nur\s+)?{_SEVERAL}\s+(?:times|mal)\b",
    rf"{_SEVERAL}[\s-]*(?:k\s+)?(?:\w+\s+)?(?P<noun>tokens?)\b",
    rf"\b(?P<noun>{_RATES})\b[^.;!?]{{0,30}}?(?:\b0?[.,]\d|\d+(?:[.,]\d+)?\s*(?:\\?%|per\s?cent|prozent)|{_SHARE})",
    rf"{_HAN}\s*次[^。；！？]{{0,8}}?中[^。；！？]{{0,6}}?{_HAN}\s*次",
    rf"{_HAN}\s*次(?:直接|先思考的?)?\s*(?P<noun>尝试|采样|作答|回答)",
    rf"{_HAN}\s*个?\s*(?P<noun>词元)",
    r"(?P<noun>正确率|成功率|准确率|通过率)[^。；！？]{0,8}?(?:\d|百分之)",
]
_COMPILED = [re.compile(measure, re.IGNORECASE) for measure in _MEASURES]
_PERCENT = re.compile(rf"(?P<n>\d+(?:[.,]\d+)?)\s*(?:\\?%|per\s?cent\b|prozent\b)|百分之(?P<han>{_HAN})", re.IGNORECASE)
_ABOUT_ATTEMPTS = re.compile(
    rf"\b(?:right|correct|wrong|succe\w+|fail\w*|works?|solved?|{_RATES}|{_ATTEMPTS}|of\s+the\s+time|of\s+cases|richtig|falsch"
    r"|fällen|gelingt|klappt)\b|正确|答对|成功",
    re.IGNORECASE,
)
_SHARE_ENDS = re.compile(
    rf"(?P<right>{_N})\s*(?:out\s+of|of|von|aus|/)\s*(?P<n>{_N})(?=\s*(?:$|[.,;:!?)]|\b(?:with|without|are|were|was|is|right|correct|direct|and|but|yet|while|when|mit|ohne"
    r"|waren|richtig|und)\b))",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.;!?])\s+|[。；！？]")


def states_counts(text: str, question: str, decision: Decision) -> bool:
    """Whether `text` says a rate, a number of attempts or of tokens. `decision` is that of the problem."""
    asked = question.lower()
    for measure in _COMPILED:
        for found in measure.finditer(text):
            if found[0].lower() not in asked and not _asked_for(found.groupdict().get("noun"), asked):
                return True
    return _says_share(text, asked, decision) or _says_percentage(text, asked, decision)


def _asked_for(noun: str | None, asked: str) -> bool:
    """Whether the question itself speaks of what was counted."""
    if noun is None:
        return False
    written = noun.lower()
    return written.rstrip("ens") in asked or (
        written in ("try", "tries") and re.search(r"\btr(?:y|ies)\b", asked) is not None
    )


def _says_share(text: str, asked: str, decision: Decision) -> bool:
    measured = {(decision.right_on, decision.n_on), (decision.right_off, decision.n_off)}
    return any(
        (_value(found["right"]), _value(found["n"])) in measured and found[0].lower() not in asked
        for found in _SHARE_ENDS.finditer(text)
    )


def _says_percentage(text: str, asked: str, decision: Decision) -> bool:
    rates = [100 * rate for rate in (decision.p_on, decision.p_off) if rate is not None]
    for sentence in _SENTENCE.split(text):
        for found in _PERCENT.finditer(sentence):
            figure = found["n"] or found["han"]
            if figure in asked:
                continue
            value = _value(figure)
            measured = value is not None and any(abs(value - rate) < 1 for rate in rates)
            if measured or _ABOUT_ATTEMPTS.search(sentence):
                return True
    return False


def _value(figure: str) -> float | None:
    written = figure.lower()
    if written in _VALUES:
        return _VALUES[written]
    try:
        return float(written.replace(",", "."))
    except ValueError:
        return None
