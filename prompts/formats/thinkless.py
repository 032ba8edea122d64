"""Thinkless's format: the first token of the response is the mode (arXiv 2505.13379).

    think-on    <think>\\n{reasoning}\\n</think>\\n\\n{answer}
    think-off   <short>\\n{answer}

The two control tokens are the paper's; line breaks and blank lines are those of the authors' data script and of the
responses on their model card. Their chat template is that of DeepSeek-R1-Distill without the `<think>` at its end and
without the cut at `</think>`; `<short>` takes the place of an unused token.
"""

from hipo_data.prompts.formats.parts import CHAT_TAGS, Segment
from hipo_data.prompts.formats.tagged import Tag, TaggedFormat

THINKLESS = TaggedFormat(
    name="thinkless",
    think_on=(
        Tag("<think>", Segment.MODE),
        Tag("\n"),
        Segment.REASONING,
        Tag("\n</think>\n\n"),
        Segment.ANSWER,
    ),
    think_off=(Tag("<short>", Segment.MODE), Tag("\n"), Segment.ANSWER),
    tags=("<think>", "</think>", "<short>", *CHAT_TAGS),
)
