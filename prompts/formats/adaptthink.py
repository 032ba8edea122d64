"""AdaptThink's format: the response closes the thinking that the prompt opened at once, or thinks (arXiv 2505.13417).

    think-on    <think>\\n{reasoning}\\n</think>\\n\\n{answer}
    think-off   <think>\\n</think>\\n\\n{answer}

The prompt ends in `<think>\\n`, which the chat template of DeepSeek-R1-Distill writes. The first token of the response
is the mode: `</think>`, or any other. Forced rollouts start with `</think>` or with `Alright`, as in the authors'
configuration. The blank line after `</think>` is DeepSeek-R1's habit; the authors' code does not ask for it.

DeepSeek-R1-Distill's chat template drops all up to `</think>` from assistant turns: train with one that keeps it.
"""

from hipo_data.prompts.formats.parts import CHAT_TAGS, Segment
from hipo_data.prompts.formats.tagged import Tag, TaggedFormat

_PROMPT = "<think>\n"

ADAPTTHINK = TaggedFormat(
    name="adaptthink",
    think_on=(Tag(_PROMPT), Segment.REASONING, Tag("\n</think>\n\n"), Segment.ANSWER),
    think_off=(Tag(_PROMPT), Tag("</think>", Segment.MODE), Tag("\n\n"), Segment.ANSWER),
    tags=("<think>", "</think>", *CHAT_TAGS),
    prompt_suffix=_PROMPT,
    opener="Alright",
)
