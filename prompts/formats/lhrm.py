"""The format of Large Hybrid-Reasoning Models: a think-off answer is wholly wrapped (arXiv 2505.14631).

    think-on    <think>\\n{reasoning}\\n</think>\\n\\n{answer}
    think-off   <no_think>\\n{answer}\\n</no_think>

The tags, and that `<no_think>` holds the whole answer, are the paper's. It does not show line breaks: those of think-on
are DeepSeek-R1's, as in its source data, and those of think-off are set here to match.
"""

from hipo_data.prompts.formats.parts import CHAT_TAGS, Segment
from hipo_data.prompts.formats.tagged import Tag, TaggedFormat

LHRM = TaggedFormat(
    name="lhrm",
    think_on=(
        Tag("<think>", Segment.MODE),
        Tag("\n"),
        Segment.REASONING,
        Tag("\n</think>\n\n"),
        Segment.ANSWER,
    ),
    think_off=(Tag("<no_think>", Segment.MODE), Tag("\n"), Segment.ANSWER, Tag("\n</no_think>")),
    tags=("<think>", "</think>", "<no_think>", "</no_think>", *CHAT_TAGS),
)
