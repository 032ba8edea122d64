"""ARM's four formats of a response, of which the model chooses one (arXiv 2505.20258).

    think_off             <ANSWER>\\n{answer}\\n</ANSWER>
    short_cot             <COT>\\n{reasoning}\\n</COT>\\n<ANSWER>\\n{answer}\\n</ANSWER>
    code                  <CODE>\\n{reasoning}\\n</CODE>\\n<ANSWER>\\n{answer}\\n</ANSWER>
    think_on, all others  <LONG_COT>\\n{reasoning}\\n</LONG_COT>\\n<ANSWER>\\n{answer}\\n</ANSWER>

The tags are those by which the authors' code tells formats (`get_reasoning_format` of TEAM-ARM/ARM); line breaks are
ours, and so is that no response may hold `<think>`. An arm is written down by its name: those that are neither
`think_off` nor long are `short_cot` and `code`.
"""

from hipo_data.prompts.formats.parts import CHAT_TAGS, Segment
from hipo_data.prompts.formats.tagged import Layout, Tag, TaggedFormat
from hipo_data.schemas.records import Mode

_ANSWER: Layout = (Segment.ANSWER, Tag("\n</ANSWER>"))


def _reasoned(name: str) -> Layout:
    return (
        Tag(f"<{name}>", Segment.MODE),
        Tag("\n"),
        Segment.REASONING,
        Tag(f"\n</{name}>\n<ANSWER>\n"),
        *_ANSWER,
    )


ARM = TaggedFormat(
    name="arm",
    think_on=_reasoned("LONG_COT"),
    think_off=(Tag("<ANSWER>", Segment.MODE), Tag("\n"), *_ANSWER),
    arms={Mode("short_cot"): _reasoned("COT"), Mode("code"): _reasoned("CODE")},
    tags=(
        "<ANSWER>",
        "</ANSWER>",
        "<think>",
        "</think>",
        *(tag for name in ("COT", "CODE", "LONG_COT") for tag in (f"<{name}>", f"</{name}>")),
        *CHAT_TAGS,
    ),
)
