"""How a justification says what came of a mode, by language: regular expressions, by what is said.

They are of plain statements in the indicative. "Thinking helps to keep the carries apart" is about the problem,
"thinking would add little" supposes, and "thinking first is better" chooses: none of them is a result.
"""

from typing import Literal, NamedTuple

# fmt: off
Result = Literal[
    "off never", "off always", "off partly", "off not always", "off half", "off mostly", "off rarely",
    "on never", "on always", "on mostly", "on rarely",
    "more", "less", "no more", "equal", "about equal",
]
# fmt: on
"""How often direct answers (`off`) or those with thinking (`on`) are right, or thinking beside direct answers."""


class Phrases(NamedTuple):
    """Those of one language."""

    results: dict[Result, str]
    denies: str
    """What, right before a statement, denies or supposes it, or makes it one of the other mode."""
    further: str
    """What, right before a statement of thinking, makes it one of more thinking."""


_OFTEN = r"(?:(?:far|much)\s+)?"
_DIRECT = r"(?:a\s+)?(?:direct|immediate)\s+(?:tr(?:y|ies)|attempts?|answers?)"
_AT_ONCE = r"(?:answering|responding)\s+(?:at\s+once|directly|immediately|right\s+away)"
_THOUGHT = r"(?:tr(?:y|ies)|attempts?|answers?)\s+with\s+(?:thinking|reasoning)"
_RIGHT = r"(?:(?:was|were|is|are|came\s+out)\s+(?:right|correct)|succeed(?:s|ed)?|work(?:s|ed)?)"
_THINKING = (
    r"(?:thinking|reasoning|working\s+it\s+out)(?:\s+(?:it|this)\s+through|\s+about\s+it)?(?:\s+(?:first|step\s+by\s+step))?"
    r"(?:\s+(?:here|only|really|clearly|actually|also|still|simply))*"
)
_GETS_IT = r"(?:gets?\s+it(?:\s+right)?|works?|succeeds?|holds?)"
_IT_WORKS = r"with\s+(?:thinking|reasoning)\s+it"
_WITH = rf"(?:{_IT_WORKS}\s+(?:works|is\s+right)|{_THINKING}\s+(?:works|is\s+right))"
_RATE = r"the\s+(?:pass\s+)?rate"
_BOTH = r"both\s+(?:ways|modes)\s+(?:are|were|work|worked|succeed)\s+(?:right\s+|correct\s+)?"
_SLIPS = r"(?:slips|mistakes|errors)"
_NOTHING = r"(?:(?:next\s+to|almost|virtually)\s+nothing|nothing|(?:very\s+)?little|hardly\s+anything|not\s+much)"
# What goes on, as in "helps to keep the carries apart" or "is clearly better done on paper", says something else.
_ENDS = r"(?=\s*(?:[.,;:!?–—]|$)|\s+(?:so|but|and|yet|though|than)\b)"
_HELPS = rf"helps?(?:\s+(?:a\s+(?:great\s+deal|lot)|greatly|much|here))*{_ENDS}"

_ENGLISH = Phrases(
    results={
        "off never": (
            rf"\bno\s+{_DIRECT}\s+{_RIGHT}|\b{_AT_ONCE}\s+never\s+{_GETS_IT}"
            rf"|\b(?:all\s+)?{_DIRECT}\s+(?:always\s+fails?|(?:are|is|was|were)\s+never\s+right|ha(?:s|ve)\s+no\s+chance"
            r"|never\s+(?:work|succeed)s?)"
        ),
        "off always": (
            rf"\b(?:every|each|all)\s+{_DIRECT}\s+{_RIGHT}"
            rf"|\b{_AT_ONCE}\s+(?:is\s+always\s+right|never\s+fails|always\s+works)"
            rf"|\b{_DIRECT}\s+(?:never\s+fails?|(?:is|are)\s+always\s+right|gets\s+it\s+(?:each|every)\s+time|always\s+works?)"
        ),
        "off partly": (
            rf"\b{_AT_ONCE}\s+(?:is\s+right|works)\s+only\s+some\s+of\s+the\s+time|\b{_DIRECT}\s+(?:is|are)\s+hit\s+and\s+miss"
            rf"|\bsome\s+{_DIRECT}\s+{_RIGHT}\s+and\s+some\s+(?:\w+\s+)?wrong"
        ),
        "off not always": rf"\bsome\s+{_DIRECT}\s+(?:was|were|is|are)\s+wrong",
        "off half": rf"\b(?:{_AT_ONCE}|{_DIRECT})\s+(?:is\s+right|works?)\s+about\s+half\s+the\s+time",
        "off mostly": (
            rf"\bmost\s+{_DIRECT}\s+{_RIGHT}|\b{_AT_ONCE}\s+is\s+(?:mostly|usually)\s+right"
            rf"|\b{_DIRECT}\s+(?:usually\s+hold|gets\s+it\s+more\s+often\s+than\s+not)"
        ),
        "off rarely": (
            rf"\bfew\s+{_DIRECT}\s+{_RIGHT}|\b{_AT_ONCE}\s+(?:rarely|seldom)\s+{_GETS_IT}"
            rf"|\b{_DIRECT}\s+(?:(?:seldom|rarely)\s+holds?|is\s+mostly\s+a\s+guess)"
        ),
        "on never": (
            rf"\bno\s+{_THOUGHT}\s+{_RIGHT}|\b(?:{_THINKING}|{_IT_WORKS})\s+(?:never\s+{_GETS_IT}|always\s+fails)"
        ),
        "on always": (
            rf"\b(?:every|each|all)\s+{_THOUGHT}\s+{_RIGHT}"
            rf"|\b(?:{_THINKING}|{_IT_WORKS})\s+(?:always\s+{_GETS_IT}|never\s+fails|is\s+always\s+right)"
        ),
        "on mostly": (
            rf"\bmost\s+{_THOUGHT}\s+{_RIGHT}"
            rf"|\b(?:{_THINKING}|{_IT_WORKS})\s+(?:is\s+(?:mostly|usually)\s+right|(?:mostly|usually)\s+{_GETS_IT})"
        ),
        "on rarely": (
            rf"\bfew\s+{_THOUGHT}\s+{_RIGHT}"
            rf"|\b(?:{_THINKING}|{_IT_WORKS})\s+(?:is\s+(?:rarely|seldom)\s+right|(?:rarely|seldom)\s+{_GETS_IT})"
        ),
        "more": (
            rf"\b{_WITH}\s+{_OFTEN}more\s+often|\b{_THINKING}\s+(?:lifts|raises|improves)\s+{_RATE}|\b{_THINKING}\s+{_HELPS}"
            rf"|\b{_THINKING}\s+(?:(?:is|was)\s+(?:clearly|much|far)|(?:does|did)(?:\s+(?:far|much))?)\s+better(?:\s+here)?{_ENDS}"
            rf"|\b{_THINKING}\s+(?:makes|made)\s+(?:all\s+the|a\s+(?:big|clear|great|large|real))\s+difference"
            rf"|\b{_THINKING}\s+catches\s+(?:some|many|most|all)\s+of\s+the\s+{_SLIPS}"
        ),
        "less": (
            rf"\b{_WITH}\s+{_OFTEN}less\s+often|\b{_THINKING}\s+(?:lowers|reduces|hurts)\s+{_RATE}"
            rf"|\b{_THINKING}\s+(?:does|did|is|was|fares)\s+{_OFTEN}worse"
            rf"|\b{_THINKING}\s+(?:brings|makes|causes|invites|leads\s+to)\s+(?:only\s+|just\s+)?more\s+{_SLIPS}"
        ),
        "no more": (
            rf"\b{_THINKING}\s+(?:adds|brings|gains)\s+(?:{_NOTHING}|no\s+(?:real\s+|clear\s+)?(?:gain|benefit|improvement))\b"
            rf"|\b{_THINKING}\s+(?:(?:does|did)\s+no\s+better|(?:does|did)(?:\s+not|n't)\s+help|(?:hardly|barely)\s+helps)\b"
        ),
        "equal": rf"\b{_BOTH}(?:equally|just\s+as|exactly\s+as)\s+often|\b{_WITH}\s+(?:just|exactly)\s+as\s+often",
        "about equal": (
            rf"\b{_WITH}\s+(?:about|roughly)\s+as\s+often|\b{_BOTH}(?:about|roughly)\s+(?:equally|as)\s+often"
            rf"|\b{_THINKING}\s+(?:changes\s+{_NOTHING}|makes\s+(?:no|little|hardly\s+any)\s+(?:real\s+)?difference)\b"
        ),
    },
    denies=r"(?:(?:\bnot|n't|\bif|\bunless|\bwhether|\bthat|\bwithout|\bskipping|\bless|\bno)\s+|\bover-)$",
    further=r"\b(?:more|longer|further|extra|additional)\s+$",
)

_DE_RIGHT = r"(?:richtig|korrekt)"
_DE_WAS = r"(?:war|ist|waren|sind)"
_DE_DIRECT = r"(?:direkte[rn]?|sofortige[rn]?)\s+(?:versuchen?|versuche?|antwort(?:en)?)"
_DE_THOUGHT = r"(?:versuche?|antwort(?:en)?)\s+mit\s+nachdenken"
_DE_WITH = r"mit\s+nachdenken\s+(?:klappt|gelingt)\s+es(?:\s+hier)?"
_DE_THINKING = r"(?:nachdenken|überlegen)"
_DE_HERE = r"(?:\s+(?:hier|aber|auch|dabei|nur|sogar))*"
_DE_OFTEN = r"(?:viel\s+|weit\s+)?"
_DE_MUCH = r"(?:sehr|viel|deutlich|enorm|klar)"
_DE_NOTHING = (
    r"(?:(?:fast\s+)?nichts|(?:nur\s+)?wenig|kaum(?:\s+etwas)?|keinen\s+(?:\w+\s+)?(?:gewinn|nutzen|vorteil|zugewinn))"
)

_GERMAN = Phrases(
    results={
        "off never": (
            rf"\bkeine?\s+{_DE_DIRECT}\s+{_DE_WAS}\s+{_DE_RIGHT}"
            rf"|\b{_DE_DIRECT}\s+(?:(?:scheitern|scheitert)\s+immer|{_DE_WAS}\s+(?:nie|niemals)\s+{_DE_RIGHT})"
        ),
        "off always": (
            rf"\b(?:jeder?|alle)\s+{_DE_DIRECT}\s+{_DE_WAS}\s+{_DE_RIGHT}"
            rf"|\b{_DE_DIRECT}\s+(?:(?:scheitern|scheitert)\s+nie|{_DE_WAS}\s+immer\s+{_DE_RIGHT})"
        ),
        "off mostly": rf"\bdie\s+meisten\s+{_DE_DIRECT}\s+{_DE_WAS}\s+{_DE_RIGHT}",
        "off rarely": rf"\b(?:nur\s+)?wenige\s+{_DE_DIRECT}\s+{_DE_WAS}\s+{_DE_RIGHT}",
        "on never": rf"\bkeine?\s+{_DE_THOUGHT}\s+{_DE_WAS}\s+{_DE_RIGHT}|\b{_DE_WITH}\s+(?:nie|niemals)\b",
        "on always": rf"\b(?:jeder?|alle)\s+{_DE_THOUGHT}\s+{_DE_WAS}\s+{_DE_RIGHT}|\b{_DE_WITH}\s+immer\b(?!\s+öfter)",
        "on mostly": rf"\bdie\s+meisten\s+{_DE_THOUGHT}\s+{_DE_WAS}\s+{_DE_RIGHT}|\b{_DE_WITH}\s+meistens?\b",
        "on rarely": rf"\b(?:nur\s+)?wenige\s+{_DE_THOUGHT}\s+{_DE_WAS}\s+{_DE_RIGHT}|\b{_DE_WITH}\s+selten\b",
        "more": (
            rf"\b{_DE_WITH}\s+{_DE_OFTEN}(?:öfter|häufiger)|\bhilft\s+{_DE_THINKING}\s+{_DE_MUCH}\b"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+hilft{_DE_HERE}(?:\s+{_DE_MUCH})?"
            r"(?=\s*(?:[.;:!?–—]|$)|,?\s+(?:aber|also|daher|deshalb|doch|und)\b)"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+(?:ist|war)\s+{_DE_MUCH}\s+besser"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+(?:erhöht|hebt|steigert|verbessert)\s+die\s+\w*quote"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+macht\s+(?:hier\s+)?den\s+(?:ganzen\s+)?unterschied"
        ),
        "less": (
            rf"\b{_DE_WITH}\s+{_DE_OFTEN}seltener|\b{_DE_THINKING}{_DE_HERE}\s+schneidet\s+(?:\w+\s+){{0,2}}?schlechter\s+ab"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+(?:ist|war)\s+(?:{_DE_MUCH}\s+)?schlechter"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+(?:senkt|verschlechtert)\s+die\s+\w*quote"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+(?:bringt|macht|führt){_DE_HERE}\s+(?:zu\s+)?mehr\s+(?:fehlern?|patzern?)"
        ),
        "no more": (
            rf"\b{_DE_THINKING}{_DE_HERE}\s+(?:bringt|hilft|nützt){_DE_HERE}\s+(?:{_DE_NOTHING}|nicht)\b"
            rf"|\b(?:bringt|hilft|nützt)\s+{_DE_THINKING}\s+(?:{_DE_NOTHING}|nicht)\b"
        ),
        "equal": (
            rf"\bbeide\s+(?:wege|arten|modi)\s+(?:sind|waren)\s+(?:gleich|genauso)\s+oft\s+{_DE_RIGHT}"
            rf"|\b{_DE_WITH}\s+(?:genauso|ebenso|gleich)\s+oft"
        ),
        "about equal": (
            rf"\b{_DE_WITH}\s+(?:etwa|ungefähr)\s+(?:so|genauso|ebenso|gleich)\s+oft"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+ändert{_DE_HERE}\s+{_DE_NOTHING}\b"
            rf"|\b{_DE_THINKING}{_DE_HERE}\s+macht{_DE_HERE}\s+(?:keinen|kaum\s+einen)\s+(?:\w+\s+)?unterschied"
        ),
    },
    denies=r"(?:\bnicht|\bwenn|\bfalls|\bob|\bdass|\bohne|\bkein|\bweniger)\s+$",
    further=r"\b(?:mehr|längeres|weiteres)\s+$",
)

_ZH_DIRECT = r"直接(?:作答|回答)"
_ZH_THINKING = r"(?:思考|推理)(?:之?后)?"
_ZH_RIGHT = r"(?:答)?(?:正确|对|成功)"
_ZH_NEVER = (
    rf"(?:(?:从未|从来没有|从不|没有一次|一次也没有?|每次都不|总是不){_ZH_RIGHT}|(?:总是|每次都)(?:错|出错|失败))"
)
_ZH_ALWAYS = rf"(?:(?:每次都|总是|总能|次次都)(?:能)?{_ZH_RIGHT}|(?:从不|从未)(?:出)?错)"
_ZH_BOTH = r"(?:两种方式|两种模式|二者|两者)(?:的)?正确率"

_CHINESE = Phrases(
    results={
        "off never": f"{_ZH_DIRECT}{_ZH_NEVER}",
        "off always": f"{_ZH_DIRECT}{_ZH_ALWAYS}",
        "on never": f"{_ZH_THINKING}{_ZH_NEVER}",
        "on always": f"{_ZH_THINKING}{_ZH_ALWAYS}",
        "more": (
            rf"{_ZH_THINKING}(?:的)?正确率(?:明显|大大)?(?:更高|提高)|{_ZH_THINKING}能?(?:明显|大大)?提高正确率"
            rf"|{_ZH_THINKING}(?:很有|大有|有(?:很大|明显)的?)帮助|{_ZH_THINKING}(?:的)?(?:效果)?(?:明显|显然)更好"
        ),
        "less": (
            rf"{_ZH_THINKING}(?:的)?正确率(?:反而)?(?:更低|降低)|{_ZH_THINKING}(?:反而)?会?降低正确率"
            rf"|{_ZH_THINKING}(?:的)?(?:效果)?(?:反而|只会)?(?:更差|更容易出?错|带来更多的?错误)"
        ),
        "no more": (
            rf"{_ZH_THINKING}(?:几乎|基本)?(?:没有|没|毫无)(?:什么|任何|明显|多大|带来)*的?(?:帮助|好处|提升|提高|收益)"
            rf"|{_ZH_THINKING}的?(?:帮助|提升|收益)(?:不大|很小|有限)"
        ),
        "equal": f"{_ZH_BOTH}(?:完全)?(?:相同|一样|相等)",
        "about equal": (
            rf"{_ZH_BOTH}(?:大致|差不多)(?:相同|一样|相等)?"
            rf"|{_ZH_THINKING}(?:与否)?(?:几乎|基本)?(?:没有|没什么)(?:区别|差别)|{_ZH_THINKING}(?:与否)?的?(?:区别|差别)不大"
        ),
    },
    denies=r"(?:如果|若|假如|并非|未必|不是|不必|不用|不经|不|未经|无需|无须|没有|缺少|跳过)$",
    further=r"(?:更多|更久|进一步|继续)的?$",
)

PHRASES = {"en": _ENGLISH, "de": _GERMAN, "zh": _CHINESE}
"""By ISO 639 code."""
