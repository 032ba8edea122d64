"""Qwen3's format: the user chooses the mode through `enable_thinking` of the chat template (Qwen/Qwen3-8B).

    think-on    <think>\\n{reasoning}\\n</think>\\n\\n{answer}
    think-off   <think>\\n\\n</think>\\n\\n{answer}

All of it is what Qwen3's chat template writes. It takes an assistant turn apart and writes it anew, and drops line
breaks at both ends of the reasoning and before the answer, so such a response is refused; so is empty reasoning, which
is how think-off is written. A question between `<tool_response>` tags makes the template drop the reasoning.

The prompt that asks for think-off ends in the empty block, so the model writes the answer alone; after the one that
asks for think-on, which is the bare generation prompt, it writes all.
"""

from hipo_data.prompts.formats.parts import CHAT_TAGS, HybridResponse, Segment
from hipo_data.prompts.formats.tagged import Tag, TaggedFormat
from hipo_data.schemas.records import Mode


def _objection(response: HybridResponse) -> str | None:
    if response.reasoning is not None and not response.reasoning.strip("\n"):
        return "the reasoning is empty, which the qwen3 format writes as think_off"
    if response.reasoning is not None and response.reasoning != response.reasoning.strip("\n"):
        return "the reasoning starts or ends with a line break, which Qwen3's chat template drops"
    if response.answer.startswith("\n"):
        return "the answer starts with a line break, which Qwen3's chat template drops"
    return None


_EMPTY = "<think>\n\n</think>\n\n"

QWEN3 = TaggedFormat(
    name="qwen3",
    think_on=(Tag("<think>\n"), Segment.REASONING, Tag("\n</think>\n\n"), Segment.ANSWER),
    think_off=(Tag(_EMPTY, Segment.MODE), Segment.ANSWER),
    tags=("<think>", "</think>", *CHAT_TAGS),
    template_kwargs={Mode.THINK_ON: {"enable_thinking": True}, Mode.THINK_OFF: {"enable_thinking": False}},
    switched={Mode.THINK_OFF: _EMPTY},
    question_tags=(*CHAT_TAGS, "<tool_response>"),
    objection=_objection,
)
