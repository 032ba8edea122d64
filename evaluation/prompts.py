"""Prompts of an evaluation, rendered by the model's own chat template, with what forces a mode."""

from typing import Any

from hipo_data.evaluation.backend import Ask
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.tokens import refuse_split_tags
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.records import Mode

_OPEN, _CLOSE = "<think>", "</think>"
_OTHER = "the model was hardly trained on that format: choose its own, or plain, or allow split tags if it was"


class Prompts:
    """Writes prompts with a tokenizer of transformers and a format; null for a model without one."""

    def __init__(self, tokenizer: Any, model: str, response_format: Format | None, allow_split_tags: bool) -> None:
        """Raises `UserError` for a tokenizer without a chat template, or one that splits a tag of the format."""
        if not getattr(tokenizer, "chat_template", None):
            raise UserError(
                f"the tokenizer of '{model}' has no chat template (chat_template.jinja, or chat_template in "
                "tokenizer_config.json), so there is no way to ask it; evaluate a model trained on conversations"
            )
        self._tokenizer, self._model, self._format = tokenizer, model, response_format
        if response_format is not None and not allow_split_tags:
            refuse_split_tags(tokenizer, response_format, model, _OTHER)

    def prompt(self, ask: Ask) -> tuple[str, str]:
        """The prompt, and the start of the response that it ends in.

        A chat template may itself write such a start (`<think>\\n`, `<judge>\\n`); only what is missing is added. Where
        it closes the reasoning in a way of its own, such as `</think>` alone, the start is the format's.
        """
        fmt = self._format
        kwargs = fmt.chat_template_kwargs(ask.forced) if fmt is not None and ask.forced is not None else {}
        rendered = self._render(ask, kwargs)
        if fmt is None:
            return rendered, ""
        if ask.forced is not None:
            wanted = [fmt.forced_prefix(ask.forced, ask.justification or "")]
        elif fmt.prompt_suffix:
            wanted = [fmt.prompt_suffix]
        else:  # what the template writes by itself where the model is to choose
            starts = [fmt.forced_prefix(mode) for mode in Mode]
            wanted = [max((_written(rendered, start) for start in starts), key=len)]
        start = wanted[0]
        if fmt.chat_template_kwargs(Mode.THINK_OFF) and rendered.rstrip().endswith(_CLOSE):
            return rendered, fmt.given(Mode.THINK_OFF)
        # A template that takes the mode writes as much of the start as its model expects.
        missing = "" if kwargs else start[len(_written(rendered, start)) :]
        return rendered + missing, _written(rendered, start) + missing

    def ids(self, prompt: str) -> list[int]:
        """Its tokens; the chat template has written the special ones."""
        ids: list[int] = self._tokenizer.encode(prompt, add_special_tokens=False)
        return ids

    def starts_in_reasoning(self, prompt: str) -> bool:
        """Whether a model without a format begins its response inside its reasoning."""
        return self._format is None and prompt.rstrip().endswith(_OPEN)

    def _render(self, ask: Ask, kwargs: dict[str, Any]) -> str:
        from jinja2 import TemplateError

        try:
            rendered: str = self._tokenizer.apply_chat_template(
                [dict(message) for message in ask.chat], tokenize=False, add_generation_prompt=True, **kwargs
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise UserError(f"the chat template of '{self._model}' refuses a conversation: {error}") from error
        return rendered


def load_tokenizer(model: str) -> Any:
    """A model's tokenizer, through transformers. Raises `UserError` where there is none."""
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise UserError(
            f"transformers cannot be imported ({error}), which reads tokenizers; install hipo-data[cpu], "
            "hipo-data[gpu] or hipo-data[train]"
        ) from error
    try:
        return AutoTokenizer.from_pretrained(embedded(model))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"'{model}' has no tokenizer that transformers can load, neither as a folder here nor on the Hub: "
            f"{last_line(error)}"
        ) from error


def last_line(error: BaseException) -> str:
    """The last line of an error's message, which in long ones is what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _written(rendered: str, start: str) -> str:
    """The longest beginning of `start` in which `rendered` ends."""
    return next(start[:size] for size in range(len(start), -1, -1) if rendered.endswith(start[:size]))
