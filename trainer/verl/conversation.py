"""The model's tokenizer as verl uses it, checked to fit the format before anything is sampled."""

from typing import Any

from hipo_data.prompts.conversation import Conversation, end_ids
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import refuse_split_tags
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.verl.settings import VerlSettings

_QUESTION = [{"role": "user", "content": "question"}]
_TAGS = "start from a model of `hipo-data train sft` with model.split_tags: add"
_TEMPLATE = (
    "set actor_rollout_ref.model.custom_chat_template to the text of chat_template.jinja of an export of the dataset"
)


def conversation_of(config: Any, settings: VerlSettings, tokenizer: Any) -> Conversation:
    """The tokenizer with the chat template that verl renders prompts with, and the format.

    config: verl's whole config. Raises `UserError` where the tokenizer splits a tag of the format, or where the
    template alters responses or does not end prompts as the format begins.
    """
    style, model = FORMATS[settings.format], config.actor_rollout_ref.model
    if model.get("custom_chat_template"):
        tokenizer.chat_template = model.custom_chat_template
    if not settings.allow_split_tags:
        refuse_split_tags(tokenizer, style, model.path, _TAGS)
    conversation = Conversation(tokenizer, style, _TEMPLATE)
    prompt = tokenizer.apply_chat_template(_QUESTION, tokenize=False, add_generation_prompt=True)
    if not prompt.endswith(style.prompt_suffix):
        raise UserError(
            f"the chat template of {model.path} ends prompts in {prompt[-24:]!r}, and responses in the {style.name} "
            f"format begin with {style.prompt_suffix!r}; {_TEMPLATE}"
        )
    return conversation


def end_ids_of(tokenizer: Any, conversation: Conversation) -> frozenset[int]:
    """The tokens that end a response: of the template, of the tokenizer, and of the model's generation config."""
    from transformers import GenerationConfig

    try:
        declared = GenerationConfig.from_pretrained(tokenizer.name_or_path).eos_token_id
    except OSError:  # a model need not have one
        declared = None
    return frozenset(end_ids(declared, conversation.end_id, tokenizer.eos_token_id))
