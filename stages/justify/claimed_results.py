"""Whether what a justification says of how often each mode is right is the opposite of what was measured.

Only plain statements of results are judged, such as "no direct try was right" or "both ways are right equally often",
in the language of the justifications; a statement that is denied or supposed ("if no direct try was right") is none.
What measurement leaves open passes: "usually" and "about as often" are refused only where the 95 % intervals exclude
them. Nothing is judged of a mode that was not sampled, or in a language that has no phrases here.
"""

import re
from collections.abc import Callable

from hipo_data.schemas.records import Decision

_Holds = Callable[[Decision], bool | None]


def _never(rate: float | None) -> bool | None:
    return None if rate is None else rate == 0


def _always(rate: float | None) -> bool | None:
    return None if rate is None else rate == 1


def _more(decision: Decision) -> bool | None:
    return None if decision.margin is None else decision.margin > 0


def _less(decision: Decision) -> bool | None:
    return None if decision.margin is None else decision.margin < 0


def _equally(decision: Decision) -> bool | None:
    return None if decision.margin is None else abs(decision.margin) < decision.delta


def _about_equally(decision: Decision) -> bool | None:
    return None if decision.margin is None else not _apart(decision)


def _apart(decision: Decision) -> bool:
    """Whether the intervals of both pass rates have nothing in common."""
    on, off = (decision.p_on_low, decision.p_on_high), (decision.p_off_low, decision.p_off_high)
    if None in (*on, *off):
        return False
    return bool(on[0] > off[1] or off[0] > on[1])  # type: ignore[operator]


_DIRECT = r"(?:a\s+)?(?:direct|immediate)\s+(?:tr(?:y|ies)|attempts?|answers?)"
_AT_ONCE = r"(?:answering|responding)\s+(?:at\s+once|directly|immediately|right\s+away)"
_THOUGHT = r"(?:tr(?:y|ies)|attempts?|answers?)\s+with\s+(?:thinking|reasoning)"
_RIGHT = r"(?:(?:was|were|is|are|came\s+out)\s+(?:right|correct)|succeed(?:s|ed)?|work(?:s|ed)?)"
_WITH = r"(?:with\s+(?:thinking|reasoning)\s+it\s+(?:works|is\s+right)|(?:thinking|reasoning)\s+(?:works|is\s+right))"
_LIFTS = r"(?:thinking|reasoning|working\s+it\s+out)\s+(?:lifts|raises|improves)"
_LOWERS = r"(?:thinking|reasoning|working\s+it\s+out)\s+(?:lowers|reduces|hurts)"
_BOTH = r"both\s+(?:ways|modes)\s+(?:are|were|work|worked|succeed)\s+(?:right\s+|correct\s+)?"
_DE_RIGHT = r"(?:richtig|korrekt)"
_DE_DIRECT = r"(?:direkte[rn]?|sofortige[rn]?)\s+(?:versuche?|antwort(?:en)?)"
_ZH_DIRECT = r"直接(?:作答|回答)"

_CLAIMS: dict[str, list[tuple[str, _Holds]]] = {
    "en": [
        (
            rf"\bno\s+{_DIRECT}\s+{_RIGHT}|\b{_AT_ONCE}\s+never\s+(?:gets\s+it\s+right|works|succeeds)"
            rf"|\b(?:all\s+)?{_DIRECT}\s+(?:always\s+fails?|(?:are|is|was|were)\s+never\s+right|ha(?:s|ve)\s+no\s+chance"
            rf"|never\s+(?:work|succeed)s?)",
            lambda it: _never(it.p_off),
        ),
        (
            rf"\b(?:every|each|all)\s+{_DIRECT}\s+{_RIGHT}|\b{_AT_ONCE}\s+(?:is\s+always\s+right|never\s+fails|always\s+works)"
            rf"|\b{_DIRECT}\s+(?:never\s+fails?|(?:is|are)\s+always\s+right|gets\s+it\s+(?:each|every)\s+time|always\s+works?)",
            lambda it: _always(it.p_off),
        ),
        (
            rf"\bno\s+{_THOUGHT}\s+{_RIGHT}|\b(?:thinking|reasoning)\s+never\s+gets\s+it\s+right",
            lambda it: _never(it.p_on),
        ),
        (
            rf"\b(?:every|each|all)\s+{_THOUGHT}\s+{_RIGHT}|\b(?:thinking|reasoning)\s+always\s+gets\s+it\s+right",
            lambda it: _always(it.p_on),
        ),
        (
            rf"\bmost\s+{_DIRECT}\s+{_RIGHT}|\b{_AT_ONCE}\s+is\s+(?:mostly|usually)\s+right"
            rf"|\b{_DIRECT}\s+(?:usually\s+hold|gets\s+it\s+more\s+often\s+than\s+not)",
            lambda it: None if it.p_off_high is None else it.p_off_high > 0.5,
        ),
        (
            rf"\bfew\s+{_DIRECT}\s+{_RIGHT}|\b{_AT_ONCE}\s+(?:rarely|seldom)\s+gets\s+it\s+right"
            rf"|\b{_DIRECT}\s+(?:seldom|rarely)\s+holds?",
            lambda it: None if it.p_off_low is None else it.p_off_low < 0.5,
        ),
        (rf"\b{_WITH}\s+(?:far\s+|much\s+)?more\s+often|\b{_LIFTS}\s+the\s+(?:pass\s+)?rate", _more),
        (rf"\b{_WITH}\s+(?:far\s+|much\s+)?less\s+often|\b{_LOWERS}\s+the\s+(?:pass\s+)?rate", _less),
        (rf"\b{_BOTH}(?:equally|just\s+as|exactly\s+as)\s+often|\b{_WITH}\s+(?:just|exactly)\s+as\s+often", _equally),
        (
            rf"\b{_WITH}\s+(?:about|roughly)\s+as\s+often|\b{_BOTH}(?:about|roughly)\s+(?:equally|as)\s+often",
            _about_equally,
        ),
    ],
    "de": [
        (
            rf"\bkeine?\s+{_DE_DIRECT}\s+(?:war|ist|waren|sind)\s+{_DE_RIGHT}"
            rf"|\b{_DE_DIRECT}\s+(?:(?:scheitern|scheitert)\s+immer|(?:ist|war|sind|waren)\s+(?:nie|niemals)\s+{_DE_RIGHT})",
            lambda it: _never(it.p_off),
        ),
        (
            rf"\b(?:jeder?|alle)\s+{_DE_DIRECT}\s+(?:war|ist|waren|sind)\s+{_DE_RIGHT}"
            rf"|\b{_DE_DIRECT}\s+(?:(?:scheitern|scheitert)\s+nie|(?:ist|war|sind|waren)\s+immer\s+{_DE_RIGHT})",
            lambda it: _always(it.p_off),
        ),
        (r"\bmit\s+nachdenken\s+(?:klappt|gelingt)\s+es\s+(?:viel\s+|weit\s+)?(?:öfter|häufiger)", _more),
        (r"\bmit\s+nachdenken\s+(?:klappt|gelingt)\s+es\s+(?:viel\s+|weit\s+)?seltener", _less),
        (
            rf"\bbeide\s+(?:wege|arten|modi)\s+(?:sind|waren)\s+(?:gleich|genauso)\s+oft\s+{_DE_RIGHT}"
            r"|\bmit\s+nachdenken\s+(?:klappt|gelingt)\s+es\s+(?:genauso|ebenso|gleich)\s+oft",
            _equally,
        ),
    ],
    "zh": [
        (
            rf"{_ZH_DIRECT}(?:从未|从来没有|从不|没有一次|一次也没有?|每次都不|总是不)(?:答)?(?:正确|对|成功)|{_ZH_DIRECT}(?:总是|每次都)(?:错|出错|失败)",
            lambda it: _never(it.p_off),
        ),
        (
            rf"{_ZH_DIRECT}(?:每次都|总是|总能|次次都)(?:能)?(?:答)?(?:正确|对|成功)|{_ZH_DIRECT}(?:从不|从未)(?:出)?错",
            lambda it: _always(it.p_off),
        ),
        (
            r"(?:思考|推理)(?:后)?(?:的)?正确率(?:明显|大大)?(?:更高|提高)|(?:思考|推理)能?(?:明显|大大)?提高正确率",
            _more,
        ),
        (r"(?:思考|推理)(?:后)?(?:的)?正确率(?:反而)?(?:更低|降低)|(?:思考|推理)(?:反而)?会?降低正确率", _less),
        (r"(?:两种方式|两种模式|二者|两者)(?:的)?正确率(?:完全)?(?:相同|一样|相等)", _equally),
    ],
}
_DENIED = {
    "en": r"(?:\bnot|n't|\bif|\bunless|\bwhether|\bthat)\s+$",
    "de": r"(?:\bnicht|\bwenn|\bfalls|\bob|\bdass)\s+$",
    "zh": r"(?:如果|若|假如|并非|不是|未必)$",
}
_COMPILED = {
    language: (
        [(re.compile(phrases, re.IGNORECASE), holds) for phrases, holds in claims],
        re.compile(_DENIED[language], re.IGNORECASE),
    )
    for language, claims in _CLAIMS.items()
}


def contradicts(text: str, language: str, decision: Decision) -> bool:
    """Whether `text` says a result that `decision` shows to be wrong. `language` is an ISO 639 code."""
    if language not in _COMPILED:
        return False
    claims, denied = _COMPILED[language]
    return any(
        holds(decision) is False
        for phrases, holds in claims
        for claim in phrases.finditer(text)
        if not denied.search(text[: claim.start()])
    )
