"""AutoThink's format: an ellipsis in the prompt leaves the thinking open to the model (arXiv 2505.10832).

    think-on    <think>\\n...\\n{reasoning}\\n</think>\\n\\n{answer}
    think-off   <think>\\n...\\n</think>\\n\\n{answer}

The prompt ends in `<think>\\n...\\n`, three full stops: the authors have users put it into the chat template of
DeepSeek-R1-Distill, and their reward takes a response that starts with `</think>\\n\\n` for think-off. The line breaks
around think-on's `</think>` are DeepSeek-R1's habit. The method never forces a mode, so think-on has no opening word.

DeepSeek-R1-Distill's chat template drops all up to `</think>` from assistant turns: train with one that keeps it.
"""

from hipo_data.prompts.formats.parts import CHAT_TAGS, Segment
from hipo_data.prompts.formats.tagged import Tag, TaggedFormat

_PROMPT = "<think>\n...\n"

AUTOTHINK = TaggedFormat(
    name="autothink",
    think_on=(Tag(_PROMPT), Segment.REASONING, Tag("\n</think>\n\n"), Segment.ANSWER),
    think_off=(Tag(_PROMPT), Tag("</think>", Segment.MODE), Tag("\n\n"), Segment.ANSWER),
    tags=("<think>", "</think>", *CHAT_TAGS),
    prompt_suffix=_PROMPT,
)
