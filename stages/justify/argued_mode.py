"""Which mode a justification ends up arguing for, by its own words.

A claim is a phrase that decides, such as "I will work through it step by step" or "no need to think it through"; what
merely describes, such as "direct answers always fail", is none. A claim that is denied ("should not answer directly",
"rather than answer at once") does not count. Of several the last one is the conclusion. A text without a claim argues
for neither mode, and so does one in a language that has no phrases here.
"""

import re
from typing import NamedTuple

from hipo_data.schemas.records import Mode


class _Phrases(NamedTuple):
    thinks: str
    answers: str
    denies: str
    """What, right before a claim, takes it back."""


_EN_NOW = r"(?:at\s+once|directly|immediately|right\s+away|straight\s*away|outright)"
_EN_MAYBE = r"(?:(?!not\b|never\b|skip\b|answer\b|without\b)[\w']+\s+)"
_PHRASES = {
    "en": _Phrases(
        thinks=rf"""
            \b(?:will|'ll|should|must|shall|needs?\s+to|has\s+to|have\s+to|better\s+to|pays\s+to|wise\s+to|let\s+me
                |let's|let\s+us|going\s+to)\s+{_EN_MAYBE}{{0,2}}?
                (?:think|reason|deliberate|reflect
                |work\s+(?:\w+\s+){{0,2}}?(?:through|out|step)|go\s+(?:\w+\s+){{0,2}}?step)\b
            | \b(?:thinking|reasoning)\s+(?:\w+\s+){{0,3}}?first\s+(?:is|pays|helps|makes|suits)
            | \bworth\s+(?:thinking|reasoning|a\s+careful)
            | \bcareful\s+(?:pass|thought|reasoning)\s+(?:comes\s+first|is\s+(?:needed|required|warranted|worth))
            | \b(?:thinking|reasoning)\s+is\s+(?:needed|required|necessary|warranted|worthwhile)
        """,
        answers=rf"""
            \b(?:answer(?:ed)?|respond|reply|solve[d]?|write|written)\s+(?:it\s+|this\s+)?{_EN_NOW}\b
            | \banswering\s+{_EN_NOW}\s+(?:is\s+(?:\w+\s+)?(?:better|best|enough|sufficient|fine)|suits
                |will\s+do|suffices)
            | \b(?:direct|immediate|short|quick)\s+answer\s+(?:is\s+(?:the\s+)?(?:better|best|enough|sufficient|fine)
                |will\s+do|suffices|suits)
            | \bno\s+need\s+(?:to|for)\s+(?:\w+\s+){{0,3}}?(?:think|thinking|reason|reasoning|deliberat\w+|work|step)
            | \b(?:skip|omit)\s+(?:the\s+|any\s+)?(?:thinking|reasoning|deliberation)
            | \b(?:not|n't)\s+(?:need|require|call\s+for)\s+(?:\w+\s+){{0,3}}?(?:thinking|reasoning|deliberation)
            | \b(?:thinking|reasoning)\s+(?:\w+\s+){{0,2}}?is\s+(?:not\s+needed|unnecessary|superfluous|a\s+waste)
        """,
        denies=r"(?:\bnot|n't|\bnever|\bcannot|\brather\s+than|\binstead\s+of|\bthan(?:\s+to)?|\bif\s+\w+)\s+(?:\w+\s+)?",
    ),
    "de": _Phrases(
        thinks=r"""
            \b(?:denke|denken|überlege|überlegen|rechne|rechnen|gehe|gehen|arbeite|prüfe)\b[^.;!?]{0,40}?
                (?:schritt\s+für\s+schritt|zuerst|erst\s+(?:nach|durch)|durch\b|nach\b)
            | \b(?:zuerst|erst)\s+(?:\w+\s+){0,2}?(?:nach|durch|über)(?:zu)?(?:denken|legen|rechnen)
            | \b(?:nachdenken|überlegen|durchdenken)\s+(?:lohnt|hilft|ist\s+(?:nötig|sinnvoll|angebracht))
            | \bschritt\s+für\s+schritt\s+(?:vor|durch|zu)
            | \blohnt\s+(?:es\s+)?sich[^.;!?]{0,30}?(?:nach|durch|über)(?:zu)?(?:denken|legen)
        """,
        answers=r"""
            \b(?:direkt|sofort|gleich|unmittelbar|ohne\s+umschweife)\s+(?:zu\s+)?(?:be)?antworte[nt]?
            | \bantworte\s+(?:ich\s+)?(?:direkt|sofort|gleich|unmittelbar)
            | \b(?:direkte|sofortige|kurze)\s+antwort\s+(?:genügt|reicht|ist\s+besser|ist\s+(?:hier\s+)?die\s+bessere)
            | \b(?:kein|ohne)\s+(?:\w+\s+)?(?:nachdenken|überlegen)\b
            | \b(?:nachdenken|überlegen|durchdenken)\s+(?:ist\s+)?(?:\w+\s+)?(?:unnötig|nicht\s+(?:nötig|erforderlich))
        """,
        denies=r"(?:\bnicht|\bnie|\bniemals|\bstatt|\banstatt|\bals)\s+(?:\w+\s+)?",
    ),
    "zh": _Phrases(
        thinks=r"""
            (?:先|应该?|需要?|必须|值得|我会|我将|最好)[^。；！？,，]{0,8}?(?:思考|推理|推导|想清楚|想一想|逐步|一步一步|一步步|演算)
            | (?:逐步|一步一步|一步步)(?:地)?(?:思考|推理|推导|计算|来)
        """,
        answers=r"""
            (?:直接|立即|立刻|马上)(?:地)?(?:回答|作答|给出答案|写出|得出)
            | (?:无需|无须|不必|不用|不需要|没必要|没有必要)[^。；！？,，]{0,6}?(?:思考|推理|推导|深思|想)
        """,
        denies=r"(?:不能|不宜|不应|不可|不该|而不是|而非|难以|不要|若|如果)",
    ),
}
_COMPILED = {
    language: (
        re.compile(f"(?P<thinks>{phrases.thinks})|(?P<answers>{phrases.answers})", re.IGNORECASE | re.VERBOSE),
        re.compile(f"{phrases.denies}$", re.IGNORECASE),
    )
    for language, phrases in _PHRASES.items()
}


def argued_mode(text: str, language: str) -> Mode | None:
    """The mode that the last claim in `text` decides for, null where there is none. `language` is an ISO 639 code."""
    if language not in _COMPILED:
        return None
    claims, denied = _COMPILED[language]
    found = None
    for claim in claims.finditer(text):
        if not denied.search(text[: claim.start()]):
            found = Mode.THINK_ON if claim["thinks"] else Mode.THINK_OFF
    return found
