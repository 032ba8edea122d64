"""A model that is shown the thinking so far, step by step, and says what is to become of it.

After the MetaReasoner of the survey arXiv 2507.02076: go on, backtrack to a step, restart, or stop.
"""

import re

from hipo_data.engines.base import GenerationRequest
from hipo_data.prompts.families.reading import DEFAULT, read
from hipo_data.prompts.rendering import PromptTemplate
from hipo_data.schemas.control_config import ControllerConfig
from hipo_data.schemas.records import Message
from hipo_data.stages.sample.control.piece import GO_ON, Action, Piece

_WORD = re.compile(r"\b(CONTINUE|STOP|RESTART|BACKTRACK)\b(?:\D{0,20}?(\d+))?", re.IGNORECASE)


class Controller:
    """Asks and reads."""

    def __init__(self, config: ControllerConfig) -> None:
        """Raises as `PromptTemplate` does."""
        self._config = config
        self._template = PromptTemplate(config.template)

    def request(self, question: str, pieces: list[Piece], index: int, seed: int) -> GenerationRequest:
        """What is asked after the last of these pieces."""
        text = self._template.render(question=question, steps=[piece.text for piece in pieces])
        turn = Message(role="user", content=text)
        system = self._config.system_prompt
        return GenerationRequest(
            messages=(turn,) if system is None else (Message(role="system", content=system), turn),
            sampling=self._config.sampling,
            seed=seed,
            question=question,
            index=index,
            chat_template_kwargs=self._config.chat_template_kwargs,
        )


def said(text: str, steps: int) -> Action | None:
    """What a reply says of so many steps; null where it says nothing that can be done, as of a step that is not there.

    The first of the words counts. `BACKTRACK 2` keeps the first two steps.
    """
    found = _WORD.search(read(text, DEFAULT).answer or "")
    if found is None:
        return None
    match found[1].upper():
        case "CONTINUE":
            return GO_ON
        case "STOP":
            return Action("stop", "controller")
        case "RESTART":
            return Action("take back", "controller", 0)
        case _:
            keep = int(found[2]) if found[2] else -1
            return Action("take back", "controller", keep) if 0 <= keep < steps else None
