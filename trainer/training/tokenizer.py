"""The tokenizer of what is trained, with the chat template that the recipe asks for."""

from pathlib import Path
from typing import Any

from hipo_data.prompts.chat_template import chat_template
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import CHATML_TAGS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded


def load_tokenizer(model: str, template: str, style: Format, revision: str | None = None) -> Any:
    """The tokenizer of a model with the chat template asked for.

    template: "chatml" for that of exports, which leaves every turn as it is and opens responses as the format does,
    "model" for the model's own, else the path of a Jinja file.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(embedded(model), revision=revision)
    except OSError as error:
        raise UserError(f"there is no tokenizer at {model}: {str(error).splitlines()[0]}") from error
    if not tokenizer.is_fast:
        raise UserError(f"{model} has no fast tokenizer, which segments of tokens need; choose a model that has one")
    if template == "chatml":
        split = [tag for tag in CHATML_TAGS if len(tokenizer(tag, add_special_tokens=False)["input_ids"]) != 1]
        if split:
            raise UserError(
                f"the tokenizer of {model} has no token {split[0]}, which model.chat_template: chatml needs; "
                "set it to model, or to a file"
            )
        tokenizer.chat_template = chat_template(style)
    elif template != "model":
        path = Path(template)
        if not path.is_file():
            raise UserError(f"model.chat_template is '{template}': neither chatml, nor model, nor a file")
        tokenizer.chat_template = path.read_text(encoding="utf-8")
    if tokenizer.chat_template is None:
        raise UserError(f"{model} has no chat template; set model.chat_template to chatml or to a file")
    tokenizer.padding_side = "left"
    return tokenizer
