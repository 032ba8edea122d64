"""A chat template that renders a response of any format whole, where models' own take it apart at `</think>`."""

from pathlib import Path

from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.records import Mode

_CHATML = Path(__file__).with_name("chatml.jinja")


def chat_template(form: Format) -> str:
    """ChatML that leaves turns as they are, marks what the assistant says, and opens responses as the format does.

    What the prompt of a response's mode holds already is not marked, so that nobody trains on it.
    """
    opening = f"{{{{- {form.prompt_suffix!r} -}}}}" if form.prompt_suffix else ""
    if form.chat_template_kwargs(Mode.THINK_OFF):
        off = form.given(Mode.THINK_OFF)
        opening = f"{{%- if enable_thinking is defined and not enable_thinking -%}}{{{{- {off!r} -}}}}{{%- endif -%}}"
    # By the text and not by the switch, which not every trainer hands over row by row.
    given = next((text for text in map(form.given, (Mode.THINK_OFF, Mode.THINK_ON)) if text), "")
    held = f"{given!r} if message['content'].startswith({given!r}) else ''" if given else "''"
    marked = f"{{%- set given = {held} -%}}{{{{- given -}}}}"
    template = _CHATML.read_text(encoding="utf-8")
    return template.replace("{#- opening -#}", opening).replace("{#- given -#}", marked)
