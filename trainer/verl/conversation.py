"""The model's tokenizer as verl uses it, checked to fit the format before anything is sampled."""

from typing import Any

from hipo_data.prompts.conversation import Conversation, end_ids
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import refuse_split_tags
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
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
    given_of(config, conversation)
    return conversation


def given_of(config: Any, conversation: Conversation) -> str:
    """What verl's prompts end in after the bare generation prompt, which responses in the format start with.

    It is the format's `prompt_suffix`, or what a switch of `data.apply_chat_template_kwargs` writes, such as the empty
    block of Qwen3's think-off. Raises `UserError` where no response in the format begins so.
    """
    tokenizer, style = conversation.tokenizer, conversation.format
    switch = dict(config.get("data", {}).get("apply_chat_template_kwargs") or {})
    prompt: str = tokenizer.apply_chat_template(_QUESTION, tokenize=False, add_generation_prompt=True, **switch)
    bare = conversation.prompt(_QUESTION).removesuffix(style.prompt_suffix)
    given = prompt.removeprefix(bare)
    starts = [style.forced_prefix(mode) for mode in Mode]
    if not prompt.startswith(bare + style.prompt_suffix) or not any(start.startswith(given) for start in starts):
        said = " or ".join(repr(start) for start in ([style.prompt_suffix] if style.prompt_suffix else starts))
        raise UserError(
            f"the chat template of {config.actor_rollout_ref.model.path} ends prompts in {prompt[-24:]!r}, and "
            f"responses in the {style.name} format begin with {said}; "
            f"{_TEMPLATE}"
        )
    return given


def end_ids_of(tokenizer: Any, conversation: Conversation) -> frozenset[int]:
    """The tokens that end a response: of the template, of the tokenizer, and of the model's generation config."""
    from transformers import GenerationConfig

    try:
        declared = GenerationConfig.from_pretrained(tokenizer.name_or_path).eos_token_id
    except OSError:  # a model need not have one
        declared = None
    return frozenset(end_ids(declared, conversation.end_id, tokenizer.eos_token_id))
