"""In which language a recipe's justifications are asked for, where it says so by its questions alone."""

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.rendering import template_text
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UserError


def with_justify_language(config: RunConfig) -> RunConfig:
    """The config with `justify.language` as that of the questions, where only `ingest.languages` names one.

    Raises `UserError` where that allows several and `justify.language` does not choose, or where there is no prompt.
    """
    languages, chosen = dict.fromkeys(config.ingest.languages or []), config.justify
    if not FORMATS[config.publish.format].justifies:
        return config
    if languages and "language" not in chosen.model_fields_set:
        if len(languages) > 1:
            raise UserError(
                f"ingest.languages allows {', '.join(languages)}, and justifications are in one language: name it as "
                "justify.language"
            )
        chosen = chosen.model_copy(update={"language": next(iter(languages))})
    try:
        template_text(chosen.prompt)
    except FileNotFoundError as error:
        raise UserError(
            f"justify: {error}; name a file that asks in the language '{chosen.language}' as justify.template, or "
            "set justify.language to one that has a prompt, such as en"
        ) from error
    return config.model_copy(update={"justify": chosen})
