"""HiPO's response format, after the chat template of KAT-V1 (arXiv 2509.23967).

    think-on    <judge>\\n{justification}\\n</judge>\\n\\n
                <think_on>\\n<think>\\n{reasoning}\\n</think>\\n\\n<answer>\\n{answer}\\n</answer>
    think-off   <judge>\\n{justification}\\n</judge>\\n\\n
                <think_off>\\n<answer>\\n{answer}\\n</answer>

Only `\\n` is a line break. The closing tags and blank lines are our reading; the tags themselves are the model's, and
so is the generation prompt that ends in `<judge>\\n`. Qwen3's own chat template cuts such a turn at `</think>`: train
with one that leaves it as it is.
"""

from hipo_data.prompts.formats.parts import CHATML_TAGS, Segment
from hipo_data.prompts.formats.tagged import Tag, TaggedFormat

_JUDGE = (Tag("<judge>\n"), Segment.JUDGE, Tag("\n</judge>\n\n"))

HIPO = TaggedFormat(
    name="hipo",
    think_on=(
        *_JUDGE,
        Tag("<think_on>", Segment.MODE),
        Tag("\n<think>\n"),
        Segment.REASONING,
        Tag("\n</think>\n\n<answer>\n"),
        Segment.ANSWER,
        Tag("\n</answer>"),
    ),
    think_off=(
        *_JUDGE,
        Tag("<think_off>", Segment.MODE),
        Tag("\n<answer>\n"),
        Segment.ANSWER,
        Tag("\n</answer>"),
    ),
    tags=(
        "<judge>",
        "</judge>",
        "<think_on>",
        "<think_off>",
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        *CHATML_TAGS,
    ),
    prompt_suffix="<judge>\n",
)

TAGS = HIPO.tags
render = HIPO.render
parse = HIPO.parse
