"""A chat template that renders a response of any format whole, where models' own take it apart at `</think>`."""

from pathlib import Path

from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.records import Mode

_CHATML = Path(__file__).with_name("chatml.jinja")


def chat_template(form: Format) -> str:
    """ChatML that leaves turns as they are, marks what the assistant says, and opens responses as the format does."""
    opening = f"{{{{- {form.prompt_suffix!r} -}}}}" if form.prompt_suffix else ""
    if form.chat_template_kwargs(Mode.THINK_OFF):
        off = form.forced_prefix(Mode.THINK_OFF)
        opening = f"{{%- if enable_thinking is defined and not enable_thinking -%}}{{{{- {off!r} -}}}}{{%- endif -%}}"
    return _CHATML.read_text(encoding="utf-8").replace("{#- opening -#}", opening)
